"""What the rules are told, and what the workflow tells people: its progress, what remains, what was left unfinished."""
