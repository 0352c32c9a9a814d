"""`autograder release`: what students get."""
