"""The ladder: one file a method, found by the registry."""
