"""The training loop: what `transformers.Trainer` is told, what it lacks, and where it can go on."""
