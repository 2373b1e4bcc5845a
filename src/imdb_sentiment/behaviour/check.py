"""Check what a model does with changed texts."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.behaviour.cases import plain_opinions
from imdb_sentiment.behaviour.counting import check_texts
from imdb_sentiment.behaviour.templates import LANGUAGES
from imdb_sentiment.errors import ConfigError, DataError, list_rows
from imdb_sentiment.results.behaviour import BehaviourReport
from imdb_sentiment.runtime.messages import list_values, quote

__all__ = ["check_behaviour"]

_MAX_TEXTS = 200


class _Classifier(Protocol):
    @property
    def labels(self) -> tuple[str, str]: ...
    @property
    def threshold(self) -> float: ...
    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def check_behaviour(
    classifier: _Classifier, texts: Iterable[str] | None = None, *, language: str | None = "en", seed: int = 0
) -> BehaviourReport:
    """Change texts in ways that should not change their label, or that should, and count how often a model fails.

    A test split shows how often a model is right on texts like its training texts. These checks show what it relies on.
    Changes of names, places, numbers, spelling, case and punctuation, and added irrelevant sentences, should not change
    a label. If the labels mean negative and positive, plain praise and blame should get the right label, and so should
    negated praise ("not good"). Negated blame ("not bad") should get a higher probability of being positive.

    Source: Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (ACL 2020).

    Example:
        ```python
        report = check_behaviour(classifier, ["The battery lasts for days."])
        print(report)
        ```

    Args:
        classifier: A `SentimentClassifier` with one text column.
        texts: Texts to change, of which at most 200 are drawn; by default the opinions that come with the library,
            which suit only sentiment models.
        language: Language of the texts, and of the sentences that come with the library: `en`, `pt`, or None for
            another one, for which only spelling, case and punctuation are changed.
        seed: Seed of the random texts and changes.

    Raises:
        ConfigError: The language is unknown, the model reads pairs, or texts are required but not given.
        DataError: There are no texts, or an item is not a text.
    """
    if language is not None and language not in LANGUAGES:
        expected = f"one of {list_values(LANGUAGES)}, or None for another language"
        raise ConfigError(f"language={quote(language)} is not known", expected=expected)
    columns = getattr(getattr(classifier, "metadata", None), "text_columns", ("text",))
    if len(columns) != 1:
        raise ConfigError("the behaviour of a model of pairs cannot be checked", expected="a model of one text column")
    return check_texts(
        _opinions(classifier.labels, language) if texts is None else _checked(texts),
        lambda texts: classifier.predict_proba(texts)[:, 1],
        labels=classifier.labels,
        threshold=classifier.threshold,
        language=language,
        of_library=texts is None,
        most=_MAX_TEXTS,
        seed=seed,
    )


def _opinions(labels: tuple[str, str], language: str | None) -> list[str]:
    if opinions := plain_opinions(labels, language):
        return opinions
    negative, positive = map(quote, labels)
    others = "another language" if language is None else f"the labels {negative} and {positive}"
    raise ConfigError(
        f"there are no sentences for {others}",
        expected="texts of your own",
        hint="check_behaviour(classifier, texts)",
    )


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
