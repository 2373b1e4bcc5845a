"""Findings of an audit in words."""

from imdb_sentiment.audit.finding_codes import CATALOGUE
from imdb_sentiment.results.finding_words import finding_sentences


def test_each_code_has_words() -> None:
    findings = [
        {"code": code, "severity": severity, "split": code.split("_")[2] if "overlap" in code else "train", "count": 7}
        for code, (severity, _) in CATALOGUE.items()
    ]
    sentences = finding_sentences(findings)
    assert len(set(sentences)) == len(CATALOGUE)
    assert not any("_" in sentence for sentence in sentences)
    severities = [sentence.partition(":")[0] for sentence in sentences]
    assert severities == sorted(severities, key=["error", "warning", "for information"].index)


def test_a_code_of_another_version_is_named() -> None:
    finding = {"code": "new_code", "severity": "new", "split": "test", "count": 1, "more": None}
    assert finding_sentences([finding]) == ["new: 1 row of test (new_code)."]
