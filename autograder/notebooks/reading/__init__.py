"""What a student handed in, read without trusting it and put back in order."""
