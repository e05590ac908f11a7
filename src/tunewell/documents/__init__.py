"""Folders of documents: read, cut into passages, kept in an index, and found again."""
