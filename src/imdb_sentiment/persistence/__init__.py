"""Saving, loading, exporting and publishing of models."""
