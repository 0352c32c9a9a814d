"""Talking with the process that runs a submission."""
