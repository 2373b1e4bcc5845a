"""Infrastructure without machine learning: files, locks, processes, threads, messages, Hugging Face libraries."""
