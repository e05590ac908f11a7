"""What goes in and what counts as right: one file a task, found by the registry."""
