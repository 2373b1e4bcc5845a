"""Check what a model does with changed texts."""

from collections.abc import Iterable, Sequence
from itertools import chain
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.behaviour.cases import Case, invariances, negations
from imdb_sentiment.behaviour.templates import LANGUAGES, Words
from imdb_sentiment.errors import ConfigError, DataError, list_rows
from imdb_sentiment.results.behaviour import BehaviourCheck, BehaviourExample, BehaviourReport
from imdb_sentiment.results.comparison import Interval
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = ["check_behaviour"]

_MAX_TEXTS = 200
_MAX_EXAMPLES = 5
_SENTIMENT = {("negative", "positive"), ("neg", "pos"), ("negativo", "positivo"), ("negativa", "positiva")}


class _Classifier(Protocol):
    @property
    def labels(self) -> tuple[str, str]: ...
    @property
    def threshold(self) -> float: ...
    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def check_behaviour(
    classifier: _Classifier, texts: Iterable[str] | None = None, *, language: str = "en", seed: int = 0
) -> BehaviourReport:
    """Change texts in ways that should not change their label, or that should, and count how often a model fails.

    A test split tells how often a model is right on texts like its training texts. These checks tell what it relies on.
    Names, places, numbers, spelling, case, punctuation and added irrelevant sentences should not change a label. If the
    labels are negative and positive, plain praise and blame should get the right one, and so should denied praise ("not
    good"). Denied blame ("not bad") should get a higher probability of being positive.

    Source: Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (ACL 2020).

    Example:
        ```python
        report = check_behaviour(classifier, ["The battery lasts for days."])
        print(report)
        ```

    Args:
        classifier: A `SentimentClassifier` of one text column.
        texts: Texts to change, at most 200 of which are drawn; by default the opinions that come with the library,
            which only suit a model of sentiment.
        language: Language of the sentences that come with the library: `en` or `pt`.
        seed: Seed of the draw and the changes.

    Raises:
        ConfigError: The language is not known, the model reads pairs, or texts are needed and not given.
        DataError: There are no texts, or one is not a text.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"language={quote(language)} is not known", expected=f"one of {list_values(LANGUAGES)}")
    words = LANGUAGES[language]
    columns = getattr(getattr(classifier, "metadata", None), "text_columns", ("text",))
    if len(columns) != 1:
        raise ConfigError("the behaviour of a model of pairs cannot be checked", expected="a model of one text column")
    negative, positive = classifier.labels
    sentiment = (negative.casefold(), positive.casefold()) in _SENTIMENT
    if texts is None and not sentiment:
        raise ConfigError(
            f"there are no sentences for the labels {quote(negative)} and {quote(positive)}",
            expected="texts of your own",
            hint="check_behaviour(classifier, texts)",
        )
    own = _plain_opinions(words) if texts is None else _checked(texts)
    drawn = Random(seed).sample(own, min(len(own), _MAX_TEXTS))  # noqa: S311 - a sample, no secret
    cases = [*(negations(words) if sentiment else ()), *invariances(drawn, words, seed=seed)]
    distinct = list(dict.fromkeys(chain.from_iterable((case.text, case.changed) for case in cases)))
    scores = classifier.predict_proba(distinct)[:, 1].astype(float).tolist()
    score_of = dict(zip(distinct, scores, strict=True))
    names = list(dict.fromkeys(case.check for case in cases))
    checks = [
        _count(name, [case for case in cases if case.check == name], score_of, classifier.labels, classifier.threshold)
        for name in names
    ]
    return BehaviourReport(labels=classifier.labels, texts=len(drawn), language=language, checks=tuple(checks))


def _plain_opinions(words: Words) -> list[str]:
    return [text for positive in (True, False) for text in words.opinions(negated=False, positive=positive)]


def _checked(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise DataError("texts must be a list of texts", found="one text", hint="[text]")
    listed = list(texts)
    wrong = [row for row, text in enumerate(listed, start=1) if not isinstance(text, str) or not text.strip()]
    if wrong or not listed:
        raise DataError(
            "there is no text to change" if not listed else "each text must be a string that is not blank",
            found=list_rows(wrong) if listed else None,
            rows=wrong,
        )
    return listed


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
