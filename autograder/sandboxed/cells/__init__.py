"""Running cells as a notebook does."""
