"""The layers of the sandbox."""
