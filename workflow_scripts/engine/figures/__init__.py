"""How figures look, and those of every study."""
