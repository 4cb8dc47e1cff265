"""Floor 3: the commands, one per rule of the workflow and some for people; each has a `--help`."""
