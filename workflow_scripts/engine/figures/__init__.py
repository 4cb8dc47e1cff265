"""The look of all figures, and the figures that every study has."""
