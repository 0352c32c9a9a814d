"""What runs in a container: Gradescope's autograder and PrairieLearn's external grader."""
