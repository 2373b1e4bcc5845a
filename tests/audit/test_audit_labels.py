"""Covers audit/labels.py."""

import pandas as pd
import pytest
from auditing import CLEAN, audit_more, audit_splits, clean_rows, codes, one

from imdb_sentiment import DataConfig, audit_dataset

TEXTS, LABELS = clean_rows()


def test_a_clean_data_set_has_no_findings() -> None:
    audit = audit_more()
    assert audit.findings == ()
    assert audit.splits == {"train": {"negative": 30, "positive": 30}}
    assert str(audit).endswith("\n\nnothing found")


@pytest.mark.parametrize(
    ("text", "label", "code"),
    [
        (None, 1, "text_null"),
        (" <br/>\u200b", 1, "text_blank"),
        (7, 1, "text_not_string"),
        ("A text.", None, "label_null"),
    ],
)
def test_rows_that_cannot_be_used(text: object, label: object, code: str) -> None:
    audit = audit_more((text, label), ("Another text.", 0), (text, label))
    finding = one(audit, code)
    assert (finding.severity, finding.count, finding.rows) == ("error", 2, (CLEAN + 1, CLEAN + 3))
    assert finding.where == f"2 rows ({CLEAN + 1}, {CLEAN + 3})"
    assert audit.splits == {"train": {"negative": 31, "positive": 30}}
    assert one(audit_more((text, label), invalid_rows="drop"), code).severity == "warning"


def test_no_row_that_can_be_used() -> None:
    audit = audit_dataset(([None, " "], [0, 1]))
    assert codes(audit) == {"no_usable_rows": 2, "text_null": 1, "text_blank": 1}
    assert audit.splits == {"train": {}}
    audit = audit_dataset(([], []))
    assert codes(audit) == {"no_usable_rows": 0}
    assert one(audit, "no_usable_rows").summary == "train has no rows"


def test_spellings_of_a_label_that_are_understood() -> None:
    audit = audit_more(("One more.", " 1"), ("Another still.", "0"), ("The last of all.", "1 "))
    finding = one(audit, "labels_case_or_space")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 2, (61, 63))
    assert finding.summary == "2 rows of train have labels in another spelling: ' 1' for '1', '1 ' for '1'"
    assert audit.splits == {"train": {"negative": 31, "positive": 32}}


def test_spellings_of_a_label_that_are_not_understood() -> None:
    labels = ["spam" if label else "ham" for label in LABELS]
    audit = audit_dataset(
        ([*TEXTS, "One more."], [*labels, "Spam"]), DataConfig(positive_label="spam", negative_label="ham")
    )
    spelling, other = one(audit, "labels_case_or_space"), one(audit, "labels_not_understood")
    assert (spelling.severity, spelling.count, spelling.rows) == ("error", 1, (61,))
    assert (other.severity, other.count, other.rows) == ("error", 1, (61,))
    assert audit.splits == {"train": {"ham": 30, "spam": 30, "Spam": 1}}


def test_labels_that_need_to_be_named() -> None:
    labels = ["spam" if label else "ham" for label in LABELS]
    finding = one(audit_dataset((TEXTS, labels)), "labels_not_understood")
    assert (finding.severity, finding.count, finding.rows) == ("error", 60, (1, 2, 3, 4, 5))
    assert "'ham' (30 rows), 'spam' (30 rows)" in finding.summary
    assert finding.advice == "DataConfig(positive_label='ham') or DataConfig(positive_label='spam')"
    assert codes(audit_dataset((TEXTS, labels), DataConfig(positive_label="spam"))) == {}


def test_a_third_label_beside_numbers_that_are_written_in_another_form() -> None:
    labels = [*("1.0" if label else "-1.0" for label in LABELS), "maybe"]
    finding = one(
        audit_dataset(([*TEXTS, "One more."], labels), DataConfig(positive_label="1")), "labels_not_understood"
    )
    assert (finding.count, finding.rows) == (1, (61,))


@pytest.mark.parametrize("positive", [None, "1"])
def test_a_third_label(positive: str | None) -> None:
    audit = audit_more(("One more.", "maybe"), positive_label=positive)
    finding = one(audit, "labels_not_understood")
    assert (finding.count, finding.rows) == (1, (61,))
    assert "'maybe' (1 row)" in finding.summary


def test_rows_without_a_label_of_a_hub_data_set() -> None:
    texts, labels = clean_rows(200)
    finding = one(audit_dataset((texts, [-1] * 140 + labels[140:])), "labels_not_understood")
    assert (finding.count, finding.rows) == (140, (1, 2, 3, 4, 5))
    assert "leave those 140 rows out" in finding.advice


def test_a_third_label_in_two_splits_is_one_finding() -> None:
    finding = one(audit_splits({"train": [("a", "maybe")], "test": [("b", "maybe")]}), "labels_not_understood")
    assert (finding.split, finding.count, finding.rows) == ("train", 2, (61,))
    assert finding.where == "1 row (61); in test: 1 row (61)"


def test_an_absent_positive_label_is_about_all_rows() -> None:
    finding = one(audit_more(positive_label="2"), "labels_not_understood")
    assert finding.count == 60
    assert "no row of the given data has the positive_label '2'" in finding.summary


def test_very_many_labels_are_counted_together() -> None:
    audit = audit_dataset((TEXTS, [i + 0.5 for i in range(60)]))
    assert one(audit, "labels_not_understood").count == 60
    (counts,) = audit.splits.values()
    assert len(counts) == 11
    assert counts["(others)"] == 50


def test_one_class() -> None:
    audit = audit_dataset((["a", "b"], ["good", "good"]))
    finding = one(audit, "labels_one_class")
    assert (finding.count, finding.summary) == (2, "all rows have one class: 'good' (2 rows)")
    assert codes(audit_dataset((["a", "b"], [1, 1]))) == {"labels_one_class": 2}


def test_one_class_in_one_split() -> None:
    train = pd.DataFrame({"text": TEXTS, "label": LABELS})
    test = pd.DataFrame({"text": ["One more.", "Another still."], "label": [1, 1]})
    audit = audit_dataset({"train": train, "test": test})
    finding = one(audit, "labels_one_class")
    assert (finding.split, finding.count, finding.rows) == ("test", 2, ())
    assert finding.summary == "test has no rows of the class 'negative'"


def test_imbalance() -> None:
    texts, _ = clean_rows(100)
    rarer = [i for i in range(100) if i % 5 == 3 and i != 98]
    finding = one(audit_dataset((texts, [int(i in rarer) for i in range(100)])), "imbalance")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 19, (4, 9, 14, 19, 24))
    assert finding.summary == "19.0% of the rows of train are 'positive', the rarer class"
    assert codes(audit_dataset((texts, [int(i % 5 == 3) for i in range(100)]))) == {}


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ([0] * 30 + [1] * 30, {"sorted_by_label": 60}),
        (([0] * 10 + [1] * 10) * 3, {"blocked_by_label": 60}),
        ([0, 1] * 30, {}),
        ([0] * 30 + [1, 0] * 15, {}),
    ],
)
def test_order(labels: list[int], found: dict[str, int]) -> None:
    audit = audit_dataset((TEXTS, labels))
    assert {code: n for code, n in codes(audit).items() if code.endswith("by_label")} == found
    assert all(finding.severity == "info" and finding.rows == () for finding in audit.findings)


def test_the_order_of_very_few_rows_says_nothing() -> None:
    assert codes(audit_dataset((["a", "b", "c", "d", "e", "f"], [0, 0, 0, 1, 1, 1]))) == {}
