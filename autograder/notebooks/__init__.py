"""Notebooks: rendered for students from a template, cut from the solution, read back from
submissions.
"""
