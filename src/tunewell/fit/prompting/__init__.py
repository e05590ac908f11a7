"""Models that are asked in words, with solved rows before a question or without."""
