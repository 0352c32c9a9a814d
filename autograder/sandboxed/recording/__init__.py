"""Recording what cells and calls do. What it says is testimony."""
