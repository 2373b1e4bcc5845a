"""Audit a data set before training: labels, duplicates, characters, tokens, label leaks."""
