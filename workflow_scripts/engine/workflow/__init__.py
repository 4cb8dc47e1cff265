"""What the workflow tells people: its progress, what remains to be done, what was left unfinished."""
