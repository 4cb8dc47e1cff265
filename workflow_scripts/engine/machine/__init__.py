"""What a run computes on: its GPUs, its cluster, its packages."""
