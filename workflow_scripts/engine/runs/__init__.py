"""A cell made: resumed, reported, its files written and read back."""
