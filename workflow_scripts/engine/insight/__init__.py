"""What a network does before training and has learned after it."""
