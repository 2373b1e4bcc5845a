"""Texts become probabilities, with a model that is trained already."""
