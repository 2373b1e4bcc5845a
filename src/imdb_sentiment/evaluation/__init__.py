"""Probabilities and labels become numbers one can trust."""
