"""Floor 1: the networks, and nothing else. `models.registry.build_model` is the entry point."""
