"""Projections of a grade for people: a page per student, a table and a CSV per class."""
