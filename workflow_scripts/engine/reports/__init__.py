"""The facts that the reports print."""
