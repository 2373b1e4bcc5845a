"""Score the cases of each check, and count in how many a model fails."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from random import Random

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.behaviour.cases import Case, invariances, is_sentiment, negations, not_checked
from imdb_sentiment.behaviour.templates import LANGUAGES
from imdb_sentiment.results.behaviour import BehaviourCheck, BehaviourExample, BehaviourReport
from imdb_sentiment.results.comparison import Interval

__all__ = ["Score", "check_texts"]

_MAX_EXAMPLES = 5

Score = Callable[[Sequence[str]], NDArray[np.floating]]
"""Returns the probability of the positive label for n texts, shape (n,)."""


def check_texts(
    texts: Sequence[str],
    score: Score,
    *,
    labels: tuple[str, str],
    threshold: float,
    language: str | None,
    of_library: bool,
    most: int,
    seed: int,
) -> BehaviourReport:
    """Change texts, and count how often a model fails; for a model of sentiment, try negations too.

    Args:
        texts: Texts to change.
        score: Scores n texts.
        labels: Names of the negative and of the positive label.
        threshold: Texts whose positive probability is above it are called positive.
        language: A key of `LANGUAGES`, or None for another language.
        of_library: Whether the texts are those that come with the library.
        most: Number of texts to draw if there are more.
        seed: Seed of the draw and the changes.
    """
    words = None if language is None else LANGUAGES[language]
    drawn = Random(seed).sample(texts, min(len(texts), most))  # noqa: S311 - a sample, no secret
    denied = negations(words) if words and is_sentiment(labels) else ()
    return BehaviourReport(
        labels=labels,
        texts=len(drawn),
        language=language,
        of_library=of_library,
        not_checked=not_checked(labels, words),
        checks=_count_failures([*denied, *invariances(drawn, words, seed=seed)], score, labels, threshold),
    )


def _count_failures(
    cases: Iterable[Case], score: Score, labels: tuple[str, str], threshold: float
) -> tuple[BehaviourCheck, ...]:
    """Count the failures of each check, in the order of the cases; each text is scored once."""
    by_check: dict[str, list[Case]] = {}
    for case in cases:
        by_check.setdefault(case.check, []).append(case)
    texts = chain.from_iterable((case.text, case.changed) for part in by_check.values() for case in part)
    distinct = list(dict.fromkeys(texts))
    score_of = dict(zip(distinct, score(distinct).astype(float).tolist(), strict=True))
    return tuple(_count(name, part, score_of, labels, threshold) for name, part in by_check.items())


def _count(
    name: str, cases: Sequence[Case], score_of: dict[str, float], labels: tuple[str, str], threshold: float
) -> BehaviourCheck:
    from scipy.stats import binomtest

    failed = [case for case in cases if not _as_expected(case, score_of, threshold)]
    low, high = binomtest(len(failed), len(cases)).proportion_ci(method="exact")
    examples = [
        BehaviourExample(
            text=case.text,
            changed=case.changed,
            label=labels[score_of[case.text] > threshold],
            changed_label=labels[score_of[case.changed] > threshold],
            scores=(score_of[case.text], score_of[case.changed]),
        )
        for case in sorted(failed, key=lambda case: -abs(score_of[case.changed] - threshold))[:_MAX_EXAMPLES]
    ]
    return BehaviourCheck(
        name=name,
        expected=cases[0].expected,
        cases=len(cases),
        failures=len(failed),
        interval=Interval(float(low), float(high)),
        examples=tuple(examples),
    )


def _as_expected(case: Case, score_of: dict[str, float], threshold: float) -> bool:
    before, after = score_of[case.text], score_of[case.changed]
    if case.expected == "higher":
        return after > before
    if case.expected == "same":
        return (after > threshold) == (before > threshold)
    return (after > threshold) == (case.expected == "positive")
