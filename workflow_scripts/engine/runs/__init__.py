"""Making a cell: resuming it, reporting on it, writing its files and reading them back."""
