"""`autograder check`: one notebook, its visible checks, no course."""
