"""Probabilities and labels become metrics, with intervals and baselines."""
