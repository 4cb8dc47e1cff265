"""One network trained: the loop, and what is registered for it and measured along the way."""
