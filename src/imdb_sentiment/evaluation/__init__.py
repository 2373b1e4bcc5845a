"""Metrics from probabilities and labels, with intervals and baselines."""
