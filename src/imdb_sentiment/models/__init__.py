"""Pretrained encoders with head and tokenizer; device, precision and acceleration."""
