import sys

import pandas as pd
import pytest
from auditing import audit_more, audit_texts, clean_rows, codes, one

from imdb_sentiment import DataConfig, MissingExtraError, audit_dataset


@pytest.mark.parametrize(
    ("text", "code", "severity"),
    [
        ("A bell\x07 rings.", "characters_control", "info"),
        ("A null\x00 byte.", "characters_control", "info"),
        ("Zero\u200bwidth.", "characters_zero_width", "info"),
        ("Word\u2060joiner.", "characters_zero_width", "info"),
        ("Byte order\ufeff mark.", "characters_zero_width", "info"),
        ("Soft\u00adhyphen.", "characters_zero_width", "info"),
        ("Lost \ufffd here.", "characters_replacement", "warning"),
        ("The cafÃ© was shut.", "mojibake", "warning"),
        ("He said â€œnoâ€ twice.", "mojibake", "warning"),
        ("Line<br />break.", "html", "info"),
        ("<p>Paragraph</p>", "html", "info"),
        ("Salt &amp; pepper.", "html", "info"),
        ("A dash &#8212; here.", "html", "info"),
        ('<a href="x">Here</a>', "html", "info"),
    ],
)
def test_a_text_with_odd_characters(text: str, code: str, severity: str) -> None:
    audit = audit_texts("Fine as it is.", text, "Also fine.")
    finding = one(audit, code)
    assert codes(audit) == {code: 1}
    assert (finding.severity, finding.count, finding.rows) == (severity, 1, (62,))


@pytest.mark.parametrize(
    "text",
    [
        "Tab\tand\nnew line\r\nare white space.",
        "Café, naïve, Zürich, señor, œuvre, 20 °C, £5, 10 €.",
        "“Quoted” — with dashes… and an emoji 🙂👩‍💻.",
        "Привет, мир. שלום עולם. مرحبا بالعالم. こんにちは世界。 नमस्ते",
        "می‌خواهم",
        "1 < 2 > 0, a<x and c>d, <3, AT&T; R&D, <john@example.com>",
        "Write <name here> and & so on;",
    ],
)
def test_texts_without_odd_characters(text: str) -> None:
    assert codes(audit_texts(text)) == {}


def test_a_wrong_encoding_in_a_long_text_is_found_as_in_a_short_one() -> None:
    long = "A perfectly ordinary sentence of this review. " * 50
    assert codes(audit_texts(f"{long}cafÃ© {long}", f"{long}café {long[:-9]}", "x"))["mojibake"] == 1


def test_html_says_how_much_of_it_is_line_breaks() -> None:
    audit = audit_texts("One<br>two.", "<i>Three</i>", "Four<BR/>five &lt; six.")
    assert one(audit, "html").summary == "3 rows of train hold HTML tags or entities, 1 of them line breaks only"
    audit = audit_texts("<i>Three</i>", "x")
    assert one(audit, "html").summary == "1 row of train holds HTML tags or entities"


def test_rows_that_cannot_be_used_are_looked_at_too() -> None:
    assert codes(audit_more(("A bell\x07 rings.", None)))["characters_control"] == 1


def test_both_texts_of_a_pair_are_looked_at() -> None:
    texts, labels = clean_rows()
    frame = pd.DataFrame({"title": texts, "body": clean_rows(seed=1)[0], "label": labels})
    frame.loc[3, "title"] = "A bell\x07 rings."
    frame.loc[5, "body"] = "The cafÃ© was shut."
    audit = audit_dataset(frame, DataConfig(text_columns=("title", "body")))
    assert codes(audit) == {"characters_control": 1, "mojibake": 1}
    assert one(audit, "mojibake").rows == (6,)


def test_without_ftfy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy.badness", None)
    assert codes(audit_texts("Plain.")) == {}
    with pytest.raises(MissingExtraError, match=r"imdb-sentiment\[audit\]"):
        audit_texts("Café.")


def test_who_ignores_near_duplicates_needs_no_ftfy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imdb_sentiment.audit.dataset.has_ftfy", lambda: False)
    audit = audit_texts("The cafÃ© was shut.", near_duplicates="ignore")
    assert codes(audit) == {}
    assert any("wrong encodings were not searched for" in note for note in audit.notes)
