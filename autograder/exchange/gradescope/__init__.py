"""Gradescope: what it sends and what it shows."""
