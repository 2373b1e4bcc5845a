"""Texts become probabilities with a trained model: one text, a file, a folder, a cluster."""
