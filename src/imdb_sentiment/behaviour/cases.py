"""The cases of a check: pairs of texts, and what a model should do with them."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import Literal, NamedTuple

from imdb_sentiment.behaviour.changes import ADDITIONS, CHANGES
from imdb_sentiment.behaviour.templates import LANGUAGES, Words

__all__ = ["Case", "Expected", "invariances", "is_sentiment", "negations", "not_checked", "plain_opinions"]

_SENTIMENT = {("negative", "positive"), ("neg", "pos"), ("negativo", "positivo"), ("negativa", "positiva")}

Expected = Literal["same", "positive", "negative", "higher"]


class Case(NamedTuple):
    """One text, as it was and changed."""

    check: str
    """What is checked."""

    text: str
    changed: str

    expected: Expected
    """What is expected of the changed text: the label of the other, the positive or negative one, or a higher
    probability of the positive label."""


def is_sentiment(labels: tuple[str, str]) -> bool:
    """Return whether the labels, negative first, are those of sentiment."""
    negative, positive = labels
    return (negative.casefold(), positive.casefold()) in _SENTIMENT


def plain_opinions(labels: tuple[str, str], language: str | None) -> list[str]:
    """Return the opinions that come with the library, which deny nothing; none if they do not suit the labels."""
    if language is None or not is_sentiment(labels):
        return []
    words = LANGUAGES[language]
    return [text for positive in (True, False) for text in words.opinions(negated=False, positive=positive)]


def not_checked(labels: tuple[str, str], words: Words | None) -> tuple[str, ...]:
    """Say which cases there are none of for a task, and for a language whose words are not known."""
    missing = []
    if words is None or not is_sentiment(labels):
        missing.append("praise, blame and their denial, which are only tried for sentiment in English or Portuguese")
    if words is None:
        missing.append("added sentences and other names, places and numbers, which there are in these languages only")
    return tuple(missing)


def invariances(texts: Sequence[str], words: Words | None, *, seed: int) -> Iterator[Case]:
    """Yield cases whose two texts should get one label; without words of the language those that add none."""
    random = Random(seed)  # noqa: S311 - which words are changed is no secret
    for name, change in CHANGES.items():
        for text in texts:
            changed = change(text, random)
            if changed != text:
                yield Case(name, text, changed, "same")
    if words is None:
        return
    yield from (Case(name, text, add(text, words, random), "same") for name, add in ADDITIONS.items() for text in texts)
    fillers = {"person": words.people, "place": words.places, "number": words.numbers}
    for (gap, values), text in product(fillers.items(), texts):
        frame = random.choice(words.framed)
        filled = {other: random.choice(choices) for other, choices in fillers.items()} | {"opinion": text}
        first, second = (frame.format(**filled | {gap: value}) for value in random.sample(values, 2))
        yield Case(f"other {gap}", first, second, "same")


def negations(words: Words) -> Iterator[Case]:
    """Yield opinions whose label is plain, and their denials."""
    praise, blame = (list(words.opinions(negated=False, positive=positive)) for positive in (True, False))
    no_praise, no_blame = (list(words.opinions(negated=True, positive=positive)) for positive in (True, False))
    yield from (Case("plain praise", text, text, "positive") for text in praise)
    yield from (Case("plain blame", text, text, "negative") for text in blame)
    yield from (Case("denied praise", *pair, "negative") for pair in zip(praise, no_praise, strict=True))
    # blame that is denied is not praise, only milder
    yield from (Case("denied blame", *pair, "higher") for pair in zip(blame, no_blame, strict=True))
