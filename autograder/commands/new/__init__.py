"""`autograder init` and `autograder new`."""
