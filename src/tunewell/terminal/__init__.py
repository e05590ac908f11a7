"""What the command line reads from a terminal and writes to it."""
