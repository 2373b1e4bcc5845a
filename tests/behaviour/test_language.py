"""The language of texts."""

import pytest

from imdb_sentiment.behaviour.language import language_of
from imdb_sentiment.behaviour.templates import LANGUAGES


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The hotel was lovely, and we would go there again.", "en"),
        ("It is not as good as they say, but you can watch it.", "en"),
        ("O filme foi muito bom e eu não me arrependo de ter visto.", "pt"),
        ("Comprei um celular novo, mas ele não liga mais.", "pt"),
        ("El hotel no era muy bueno y la comida estaba fría, con los niños.", None),
        ("Il film non è bello, ma la storia con gli attori mi è piaciuta.", None),
        ("Das ist gut und schön, aber nicht für mich, um das zu sagen.", None),
        ("Le film est très beau et les acteurs sont bons.", None),
        ("Фильм очень хороший, и актёры тоже.", None),
        ("この映画はとても良かった。", None),
        ("123 !!!", None),
        ("", None),
    ],
)
def test_the_most_frequent_words_tell(text: str, language: str | None) -> None:
    assert language_of([text]) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_the_library_are_in_their_language(language: str) -> None:
    words = LANGUAGES[language]
    assert language_of([*words.irrelevant, *words.framed, *words.negated]) == language
