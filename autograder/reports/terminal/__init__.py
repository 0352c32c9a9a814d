"""What instructors read in the terminal."""
