"""Words, numbers and tables as plain text, LaTeX and HTML."""
