"""The command `imdb-sentiment`: parses, calls the library, prints."""
