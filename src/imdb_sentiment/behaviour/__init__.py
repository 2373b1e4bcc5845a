"""Checks of what a model does when a text is changed, without labels."""
