"""One run, from encoded rows to the weights that are kept."""
