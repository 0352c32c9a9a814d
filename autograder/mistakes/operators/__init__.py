"""The operators: each module makes the mistakes of one kind."""
