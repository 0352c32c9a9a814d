"""Notebooks made of the template and the solution."""
