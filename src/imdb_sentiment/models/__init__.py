"""The pretrained encoder with its head and tokenizer, and where and how fast it computes."""
