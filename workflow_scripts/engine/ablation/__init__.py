"""Factors around a base: tables, figures, and the choice of the best."""
