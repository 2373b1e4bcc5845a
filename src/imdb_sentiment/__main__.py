"""`python -m imdb_sentiment` is the command `imdb-sentiment`."""

from imdb_sentiment.cli.app import main

if __name__ == "__main__":
    main()
