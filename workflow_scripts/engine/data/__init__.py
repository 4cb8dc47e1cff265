"""Data sets as arrays: read, split, augmented and cut into batches."""
