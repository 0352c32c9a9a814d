"""In and out of other systems, one room each."""
