"""Evidence: what a run left behind, how it passes from one process to another, and where it is
kept.
"""
