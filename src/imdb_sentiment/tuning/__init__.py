"""A search for settings: what may vary, the study that proposes trials, and one process for each."""
