"""What can be said of a failed run, and in which words."""
