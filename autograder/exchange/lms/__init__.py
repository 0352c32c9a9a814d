"""Learning systems: their downloads in, scores out."""
