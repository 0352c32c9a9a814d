"""`autograder validate`: the checks are tested."""
