"""Inference with a trained model: texts, files, folders, clusters."""
