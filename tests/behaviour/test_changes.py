"""Changes that leave the meaning of a text as it is."""

from random import Random

import pytest

from imdb_sentiment.behaviour.changes import ADDITIONS, CHANGES
from imdb_sentiment.behaviour.templates import LANGUAGES


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        ("misspelled word", "a fine day", "a fine day"),
        ("misspelled word", "XXfilmXX", None),
        ("lower case", "Good FILM", "good film"),
        ("upper case", "Good film", "GOOD FILM"),
        ("punctuation at the end", "Good film!", "Good film"),
        ("punctuation at the end", "Good film", "Good film."),
        ("punctuation at the end", "Good film ", "Good film."),
    ],
)
def test_each_change(name: str, text: str, changed: str | None) -> None:
    result = CHANGES[name](text, Random(1))
    if changed is None:
        assert result != text
        assert sorted(result) == sorted(text)
        assert (result[0], result[-1]) == (text[0], text[-1])
    else:
        assert result == changed


@pytest.mark.parametrize("language", ["en", "pt"])
def test_added_sentences_stand_before_or_after(language: str) -> None:
    words = LANGUAGES[language]
    after = ADDITIONS["irrelevant sentence after"]("Good.", words, Random(0))
    before = ADDITIONS["irrelevant sentence before"]("Good.", words, Random(0))
    assert after.removeprefix("Good. ") in words.irrelevant
    assert before.removesuffix(" Good.") in words.irrelevant
