"""What the commands do: short lists of stages over the rooms below."""
