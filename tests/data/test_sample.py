import json
import re
from collections import Counter

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.cleaning import clean, text_key
from imdb_sentiment.data.sample import sample_file
from imdb_sentiment.data.splits import load_splits

with sample_file() as file:
    ROWS = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
TEXTS = [row["text"] for row in ROWS]
LABELS = [row["label"] for row in ROWS]


def test_both_classes_are_equally_many() -> None:
    counts = Counter(LABELS)
    assert set(counts) == {"negative", "positive"}
    assert counts["negative"] == counts["positive"]
    assert len(TEXTS) == len(LABELS) >= 400


def test_no_text_stands_there_twice_and_so_none_has_two_labels() -> None:
    keys = Counter(map(text_key, TEXTS))
    assert [text for text in TEXTS if keys[text_key(text)] > 1] == []


def test_each_text_is_a_few_sentences() -> None:
    sentences = [max(1, len(re.findall(r"[.!?]+[\"')]*(?:\s|$)", clean(text)))) for text in TEXTS]
    assert max(sentences) <= 10
    assert sum(count <= 6 for count in sentences) >= 0.95 * len(TEXTS)
    assert all(1 <= len(text.split()) <= 200 for text in TEXTS)


def test_the_sample_is_ready_to_be_divided() -> None:
    summary = load_splits(DataConfig(), (TEXTS, LABELS)).splits.summary
    assert summary.left_out == ()
    assert sum(sum(counts.values()) for counts in summary.rows.values()) == len(TEXTS)
