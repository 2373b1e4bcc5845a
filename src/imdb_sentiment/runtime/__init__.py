"""What everything stands on, without machine learning: files, locks, processes, threads, messages, other libraries."""
