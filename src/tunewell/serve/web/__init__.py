"""The web page for people who have a table and do not program."""
