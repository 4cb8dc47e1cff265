"""What is asked for: the keys of config.yaml, the record of a cell, the cells of a study."""
