"""Floor 3: the commands, one per rule of the workflow and some for direct use; each has a `--help`."""
