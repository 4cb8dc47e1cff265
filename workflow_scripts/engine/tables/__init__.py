"""All cells of a study as tidy tables, and what is computed from them."""
