"""The report, the table and the text of the docs pages, from result files alone."""
