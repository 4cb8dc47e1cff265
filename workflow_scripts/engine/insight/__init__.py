"""What a network does before training and what it has learned after it."""
