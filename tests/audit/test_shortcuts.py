import random

import numpy as np
import pandas as pd
import pytest
from auditing import clean_rows, codes, one
from sklearn.metrics import roc_auc_score

from imdb_sentiment import DataConfig, audit_dataset
from imdb_sentiment.audit import shortcuts
from imdb_sentiment.data.inspection import inspect_rows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.data.splits import label_rows

TEXTS, LABELS = clean_rows(200)


def marked(word: str, share: float = 1, other: float = 0) -> list[str]:
    """The texts with a word in a share of the positive and in another of the negative ones."""
    seen = {0: 0, 1: 0}
    texts = []
    for text, label in zip(TEXTS, LABELS, strict=True):
        wanted = share if label else other
        mark = round(seen[int(str(label))] % 100 / 100, 2) < wanted
        seen[int(str(label))] += 1
        texts.append(f"{text} {word}" if mark else str(text))
    return texts


@pytest.mark.parametrize(
    ("share", "other", "found"),
    [(1, 0, True), (0.95, 0.04, True), (0.95, 0.06, False), (0.9, 0, False), (0, 0.92, True)],
)
def test_a_word_that_tells_the_class(share: float, other: float, found: bool) -> None:
    texts = marked("URGENT", share, other)
    audit = audit_dataset((texts, LABELS))
    holds = ["URGENT" in text for text in texts]
    auc = roc_auc_score(LABELS, holds)
    assert (max(auc, 1 - auc) > 0.95) == found
    assert codes(audit) == ({"giveaway_token": sum(holds)} if found else {})
    if found:
        finding = one(audit, "giveaway_token")
        assert finding.severity == "warning"
        assert finding.rows == tuple(np.flatnonzero(holds)[:5] + 1)
        assert finding.summary.startswith("'urgent' predicts the class in train: it is in ")
        assert f"{share:.1%} of the 'positive' rows" in finding.summary


def test_three_words_at_most_are_named_the_best_first() -> None:
    texts = [f"{text} alpha beta gamma !" if label else text for text, label in zip(TEXTS, LABELS, strict=True)]
    finding = one(audit_dataset((texts, LABELS)), "giveaway_token")
    assert "'!' predicts the class" in finding.summary
    assert finding.summary.endswith("; likewise 'alpha', 'beta', and 1 more")


def test_a_word_in_the_second_text_of_a_pair() -> None:
    frame = pd.DataFrame({"title": TEXTS, "body": marked("urgent"), "label": LABELS})
    assert one(audit_dataset(frame, DataConfig(text_columns=("title", "body"))), "giveaway_token").count == 100


@pytest.mark.parametrize("longer", [0, 1])
def test_a_length_that_tells_the_class(longer: int) -> None:
    texts = [f"{text} {text} {text}" if label == longer else text for text, label in zip(TEXTS, LABELS, strict=True)]
    finding = one(audit_dataset((texts, LABELS)), "giveaway_length")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 200, ())
    assert "ROC-AUC 1.000" in finding.summary


def test_few_rows_of_a_class_say_nothing() -> None:
    texts, labels = clean_rows(18)
    texts = [f"{text} urgent" if label else text for text, label in zip(texts, labels, strict=True)]
    assert codes(audit_dataset((texts, labels))) == {}


@pytest.mark.parametrize("seed", range(5))
def test_words_dropped_early_are_never_those_that_tell_the_class(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "_CHUNK", 7)
    rng = random.Random(seed)
    labels = [int(rng.random() < 0.4) for _ in range(300)]
    shares = {f"w{i}": (rng.choice([0.01, 0.5, 0.99]), rng.choice([0.01, 0.5, 0.99])) for i in range(20)}
    texts = [
        " ".join([f"x{i}", *(word for word, share in shares.items() if rng.random() < share[label])])
        for i, label in enumerate(labels)
    ]
    positives = sum(labels)
    expected = set()
    for word in shares:
        holds = np.array([word in text.split() for text in texts])
        there = np.array(labels) == 1
        if abs(holds[there].sum() / positives - holds[~there].sum() / (300 - positives)) > 0.9:
            expected.add(word)
    config = DataConfig(near_duplicates="ignore")
    inspected = inspect_rows(load_source(config, (texts, labels)).splits, config, check=False)
    parts, _ = label_rows(inspected, config, "the given data")
    found = shortcuts._find_words(parts["train"], [300 - positives, positives])
    assert {giveaway.word for giveaway in found} == expected
