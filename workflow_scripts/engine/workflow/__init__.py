"""What the workflow tells people: how far it is, what is to do, what was not finished."""
