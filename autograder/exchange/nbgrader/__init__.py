"""nbgrader: courses, gradebooks and notebooks as it has them."""
