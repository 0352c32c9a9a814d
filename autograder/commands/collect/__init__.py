"""`autograder collect`: a download becomes submissions."""
