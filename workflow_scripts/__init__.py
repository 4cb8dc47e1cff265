"""Floor 3: one command per rule of the workflow, each also `python -m workflow_scripts.<name> --help`."""
