from pathlib import Path

import pandas as pd
import pytest
from auditing import CLEAN, audit_more, audit_splits, audit_texts, clean_rows, codes, one

from imdb_sentiment import DataConfig, audit_dataset

FIRST = "A long walk along the river, with swans and a kite above the reeds."
SPELT = FIRST.upper().replace(" ", "<br />")
NEAR = FIRST.replace("kite", "bird")


def test_rows_that_repeat_an_earlier_one() -> None:
    audit = audit_texts(FIRST, "Nothing alike.", FIRST, "Something else.", SPELT, "Yet another.", NEAR, FIRST[::-1])
    found = {code: (one(audit, code).count, one(audit, code).rows) for code in codes(audit)}
    assert found.pop("html") == (1, (65,))
    assert found == {
        "duplicates_exact": (1, (63,)),
        "duplicates_normalised": (1, (65,)),
        "duplicates_near": (1, (67,)),
    }
    summary = "1 row of train repeats an earlier row, with small changes (row 67 and row 61)"
    assert one(audit, "duplicates_near").summary == summary
    assert {finding.severity for finding in audit.findings} == {"info"}


def test_each_row_counts_once_and_the_first_of_a_group_never() -> None:
    audit = audit_texts(NEAR, "x", FIRST, "y", NEAR, "z", FIRST, "u", SPELT, "v", SPELT)
    found = codes(audit)
    assert (found["duplicates_exact"], found["duplicates_normalised"], found["duplicates_near"]) == (3, 1, 1)
    assert one(audit, "duplicates_near").rows == (63,)


def test_rows_of_one_split_that_stand_in_another() -> None:
    audit = audit_splits(
        {
            "train": [(FIRST, 1), (SPELT, 1), (NEAR, 1)],
            "validation": [(NEAR, 1)],
            "test": [(FIRST, 1)],
        }
    )
    found = {
        finding.code.removeprefix("overlap_"): (finding.split, finding.count, finding.rows)
        for finding in audit.findings
        if finding.code.startswith("overlap")
    }
    assert found == {
        "exact_train_test": ("train", 1, (61,)),
        "normalised_train_test": ("train", 1, (62,)),
        "near_train_test": ("train", 1, (63,)),
        "exact_train_validation": ("train", 1, (63,)),
        "near_train_validation": ("train", 2, (61, 62)),
        "near_validation_test": ("validation", 1, (61,)),
    }
    finding = one(audit, "overlap_exact_train_test")
    assert finding.severity == "warning"
    assert finding.summary == "1 row of train is in test too, character for character (row 61 and there row 61)"


def test_groups_of_rows_in_two_splits() -> None:
    rows = {
        "train": [("One text.", 1, "Ann"), ("Two texts.", 0, "")],
        "test": [("Another one.", 0, "Ann"), ("u", 1, "")],
    }
    finding = one(audit_splits(rows, group_column="author"), "overlap_group_train_test")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 1, (61,))
    assert "author" in finding.summary
    assert codes(audit_splits(rows)) == {}


def test_near_duplicates_that_are_ignored() -> None:
    audit = audit_texts(FIRST, "x", NEAR, near_duplicates="ignore")
    assert codes(audit) == {}
    assert audit.notes == ("near duplicates were not searched for: near_duplicates is 'ignore'",)


def test_one_text_under_two_labels() -> None:
    audit = audit_more((FIRST, 1), (SPELT, 0), (FIRST, 1), (NEAR, 0))
    finding = one(audit, "conflicting_labels")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 3, (61, 62, 63))
    assert finding.summary == "1 text has different labels, in 3 rows"


def test_one_text_under_two_labels_in_two_splits() -> None:
    finding = one(audit_splits({"train": [(FIRST, 1)], "test": [(FIRST, 0), ("x", 1)]}), "conflicting_labels")
    assert (finding.split, finding.count, finding.rows) == ("train", 2, (61,))
    assert finding.where == "1 row (61); in test: 1 row (61)"
    finding = one(audit_splits({"test": [(FIRST, 0), (FIRST, 1)], "train": []}), "conflicting_labels")
    assert (finding.split, finding.rows) == ("test", (61, 62))


def test_a_label_in_two_spellings_is_no_conflict() -> None:
    texts, labels = clean_rows()
    data = ([*texts, FIRST, FIRST, FIRST], [*(f"{label}!" for label in labels), "1!", " 1!", "2"])
    assert one(audit_dataset(data), "conflicting_labels").count == 3
    assert "conflicting_labels" not in codes(audit_dataset((data[0][:-1], data[1][:-1])))


def test_rows_of_several_files_are_named_by_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("reviews")
    folder.mkdir()
    texts, labels = clean_rows()
    for name, rows in (("a", slice(30)), ("b", slice(30, None))):
        frame = pd.DataFrame({"text": [*texts[rows], FIRST], "label": [*labels[rows], 1]})
        frame.to_csv(folder / f"{name}.csv", index=False)
    finding = one(audit_dataset("reviews"), "duplicates_exact")
    assert finding.rows == (62,)
    assert finding.where == "reviews/b.csv: 1 row (31)"
    assert finding.summary.endswith("(row 31 of reviews/b.csv and row 31 of reviews/a.csv)")


def test_pairs_of_texts_are_compared_as_pairs() -> None:
    texts, labels = clean_rows()
    frame = pd.DataFrame({"title": texts, "body": ["a"] * CLEAN, "label": labels})
    again = pd.DataFrame(
        {"title": [texts[3], texts[4]], "body": ["a", "Something longer, not alike."], "label": [1, 0]}
    )
    config = DataConfig(text_columns=("title", "body"))
    found = codes(audit_dataset(pd.concat([frame, again]), config))
    assert found == {"duplicates_exact": 1} | ({"conflicting_labels": 2} if labels[3] == 0 else {})
