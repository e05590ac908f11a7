"""Models that are asked over HTTP: never above what may be spent, and never twice for the same."""
