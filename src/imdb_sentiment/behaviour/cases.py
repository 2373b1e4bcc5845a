"""The cases of a check: pairs of texts, and what a model should do with them."""

from collections.abc import Iterator, Sequence
from itertools import product
from random import Random
from typing import Literal, NamedTuple

from imdb_sentiment.behaviour.changes import CHANGES
from imdb_sentiment.behaviour.templates import Words

__all__ = ["Case", "Expected", "invariances", "negations"]

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


def invariances(texts: Sequence[str], words: Words, *, seed: int) -> Iterator[Case]:
    """Yield cases whose two texts should get one label."""
    random = Random(seed)  # noqa: S311 - which words are changed is no secret
    for name, change in CHANGES.items():
        for text in texts:
            changed = change(text, words, random)
            if changed != text:
                yield Case(name, text, changed, "same")
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
