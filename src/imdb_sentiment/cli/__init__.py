"""The command line `imdb-sentiment`, one module per command."""
