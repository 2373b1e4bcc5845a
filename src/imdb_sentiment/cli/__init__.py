"""The command `imdb-sentiment`: one command a file, which parses, calls the library, and prints."""
