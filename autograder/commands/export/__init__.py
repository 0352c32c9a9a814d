"""`autograder export`: grades and assignments for other systems."""
