"""Several sets of rows, one model: what they are worth to each other."""
