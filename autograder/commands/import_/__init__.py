"""`autograder import`: assignments of other systems."""
