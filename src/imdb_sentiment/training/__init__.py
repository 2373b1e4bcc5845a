"""Training, from encoded rows to the final weights."""
