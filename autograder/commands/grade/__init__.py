"""`autograder grade` and `autograder regrade`."""
