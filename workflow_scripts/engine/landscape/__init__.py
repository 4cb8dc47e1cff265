"""The loss landscape: both protocols, and surfaces."""
