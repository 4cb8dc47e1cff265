"""Names of the figures of all cells of a study with ablations, without pandas, for dry-runs."""

FIGURES = {  # what each shows
    "pareto": "what accuracy costs",
    "remedies": "the gradient flow of all remedies, which are the levels of the factors",
}
