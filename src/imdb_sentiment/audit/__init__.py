"""A look at a data set before anything is trained on it: labels, duplicates, characters, tokens, label leaks."""
