"""Floor 2: the library beneath the commands. It knows nothing of Snakemake."""
