"""How far two runs lie apart, and how far they may."""
