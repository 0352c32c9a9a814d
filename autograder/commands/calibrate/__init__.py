"""`autograder calibrate`: tolerances are measured."""
