"""Covers results/audit.py."""

import dataclasses
import json
from typing import Any

import pytest

from imdb_sentiment.results import DataAudit, Finding, TokenLengths
from imdb_sentiment.results.audit import Severity


def make_finding(code: str = "html", severity: Severity = "info", **changes: Any) -> Finding:
    finding = Finding(
        code=code,
        severity=severity,
        split="train",
        count=7,
        rows=(1, 2, 3, 5, 8),
        where="7 rows (1, 2, 3, 5, 8, ...)",
        summary="7 rows of train hold HTML",
        advice="Take it out.",
    )
    return dataclasses.replace(finding, **changes)


def make_tokens() -> TokenLengths:
    return TokenLengths(
        model="minilm",
        rows=20,
        mean=234.56,
        median=200.0,
        longest=2345,
        truncated={"128": 0.75, "256": 0.5, "512": 0.0},
        unknown=0.0123,
    )


def make_audit(*findings: Finding, **changes: Any) -> DataAudit:
    audit = DataAudit(
        origin="reviews.csv",
        splits={"train": {"ham": 1600, "spam": 400}, "test": {"ham": 5, "spam": 7}},
        findings=findings,
        tokens=None,
        notes=("read as it stands",),
    )
    return dataclasses.replace(audit, **changes)


@pytest.mark.parametrize("kind", [Finding, TokenLengths, DataAudit])
def test_records_are_frozen_have_slots_and_a_text_for_each_field(kind: type[Any]) -> None:
    records: tuple[object, ...] = (make_finding(), make_tokens(), make_audit())
    (record,) = (record for record in records if isinstance(record, kind))
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)
    assert not hasattr(record, "__dict__")
    with pytest.raises(TypeError):
        kind("by position")


def test_dictionaries_are_plain_json() -> None:
    audit = make_audit(make_finding("text_null", "error"), make_finding(), tokens=make_tokens())
    for content in (audit.to_dict(), audit.summary_dict(), audit.findings[0].to_dict(), make_tokens().to_dict()):
        assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert list(audit.to_dict()) == ["splits", "findings", "tokens", "notes"]
    assert list(audit.to_dict()["findings"][0]) == [
        "code",
        "severity",
        "split",
        "count",
        "rows",
        "where",
        "summary",
        "advice",
    ]
    assert make_audit().to_dict()["tokens"] is None


def test_a_saved_model_keeps_counts_and_no_words_of_the_data() -> None:
    audit = make_audit(make_finding("text_null", "error"), tokens=make_tokens())
    assert audit.summary_dict() == {
        "findings": [{"code": "text_null", "severity": "error", "split": "train", "count": 7}],
        "tokens": make_tokens().to_dict(),
    }


def test_the_report() -> None:
    audit = make_audit(
        make_finding("text_null", "error", summary="7 rows of train have no text", advice="Mend the rows."),
        make_finding("imbalance", "warning", count=1, where="1 row (3)", summary="few", advice="Read other metrics."),
        make_finding(),
        make_finding(split="test", where="a.csv: 1 row (2); b.csv: 6 rows (1, 2, 3, 4, 5, ...)", summary="and here"),
        make_finding("sorted_by_label", where="", summary="sorted", advice="Shuffle " + "them " * 25),
        tokens=make_tokens(),
    )
    shuffle = "\n".join(["    > Shuffle " + " ".join(["them"] * 13), "      " + " ".join(["them"] * 12)])
    assert str(audit) == (
        "split    ham  spam   rows\n"
        "train  1,600   400  2,000\n"
        "test       5     7     12\n"
        "\n"
        "tokens of minilm: mean 235, median 200, longest 2,345\n"
        "rows longer than 128: 75.0%, 256: 50.0%, 512: 0.0%; unknown tokens: 1.23%\n"
        "note: read as it stands\n"
        "\n"
        "1 error, 1 warning, 3 for information\n"
        "\n"
        "errors: training rejects the data as they are\n"
        "  text_null\n"
        "    7 rows of train have no text\n"
        "      rows 1, 2, 3, 5, 8, ...\n"
        "    > Mend the rows.\n"
        "\n"
        "warnings: look at these before training\n"
        "  imbalance\n"
        "    few\n"
        "      row 3\n"
        "    > Read other metrics.\n"
        "\n"
        "for information\n"
        "  html\n"
        "    7 rows of train hold HTML\n"
        "      rows 1, 2, 3, 5, 8, ...\n"
        "    and here\n"
        "      a.csv: 1 row (2); b.csv: 6 rows (1, 2, 3, 4, 5, ...)\n"
        "    > Take it out.\n"
        "  sorted_by_label\n"
        "    sorted\n"
        f"{shuffle}"
    )


def test_the_report_of_a_clean_data_set() -> None:
    report = str(make_audit(notes=()))
    assert report.endswith("--model NAME (model_name=... in Python)\n\nnothing found")


def test_labels_that_only_one_split_has() -> None:
    report = str(make_audit(splits={"train": {"a": 1}, "test": {"b": 2}, "validation": {}}))
    table = [line.split() for line in report.splitlines()[:4]]
    assert table == [
        ["split", "a", "b", "rows"],
        ["train", "1", "0", "1"],
        ["test", "0", "2", "2"],
        ["validation", "0", "0", "0"],
    ]


def test_labels_that_do_not_fit_beside_one_another_stand_below_one_another() -> None:
    texts = {f"It rained all day long in town {i}": i for i in range(1, 6)}
    lines = str(make_audit(splits={"train": texts, "test": {}})).splitlines()
    assert [line.split()[-2:] for line in lines[:7]] == [
        ["train", "test"],
        *([str(i), "0"] for i in range(1, 6)),
        ["15", "0"],
    ]
    assert max(map(len, lines)) < 80


def test_labels_that_would_not_be_seen_as_they_are_stand_in_quotes() -> None:
    report = str(make_audit(splits={"train": {"spam": 1, " spam": 1, "a\nb": 1, "": 1}}))
    assert report.splitlines()[0] == "split  spam  ' spam'  'a\\nb'  ''  rows"


def test_short_names_errors_and_warnings_only() -> None:
    errors = [
        make_finding("text_null", "error", summary="no text"),
        make_finding("label_null", "error", summary="no label"),
    ]
    audit = make_audit(*errors, make_finding("mojibake", "warning", summary="odd letters"), make_finding())
    assert audit.short() == (
        "audit: 2 errors, 1 warning, 1 for information\n"
        "  error text_null: no text\n"
        "  error label_null: no label\n"
        "  warning mojibake: odd letters"
    )
    assert make_audit().short() == "audit: nothing found"
    assert make_audit(make_finding()).short() == "audit: 1 for information"
