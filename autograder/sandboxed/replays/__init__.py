"""Drivers that are sent to the sandbox beside the reference. Not imported here."""
