"""The pretrained encoder and its head."""
