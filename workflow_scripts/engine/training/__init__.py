"""Training one network: the loop, what is registered for it, and what is measured along the way."""
