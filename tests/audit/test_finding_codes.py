import re
from pathlib import Path

import pytest

from imdb_sentiment import FineTuneConfig
from imdb_sentiment.audit.finding_codes import CATALOGUE, find, find_whole, name_row
from imdb_sentiment.data.raw_rows import RawRows, collect, rows_from_columns

PAGE = Path(__file__).parents[2] / "docs/reference/data-audit.md"


def rows_of(**files: int) -> RawRows:
    return collect((rows_from_columns({"text": ["x"] * n, "label": [0] * n}, name) for name, n in files.items()), "all")


def test_every_code_is_on_the_page_with_its_severity() -> None:
    rows = re.findall(r"^\| ((?:`\w+`,? ?)+) \| (error|warning|info)\b", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {code: severity for codes, severity in rows for code in re.findall(r"`(\w+)`", codes)}
    pairs = ("train_test", "train_validation", "validation_test")
    kinds = {code.removesuffix("_A_B"): severity for code, severity in shown.items() if code.endswith("_A_B")}
    shown = {code: severity for code, severity in shown.items() if not code.endswith("_A_B")}
    shown |= {f"{kind}_{pair}": severity for kind, severity in kinds.items() for pair in pairs}
    assert shown == {code: severity for code, (severity, _) in CATALOGUE.items()}


def test_every_code_is_made_somewhere_and_tested() -> None:
    here = Path(__file__).parent
    tests = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_*.py"))
    for code in CATALOGUE:
        assert code.removeprefix("overlap_") in tests or code.startswith("overlap_"), code


@pytest.mark.parametrize("code", CATALOGUE)
def test_advice_is_a_sentence(code: str) -> None:
    _, advice = CATALOGUE[code]
    assert advice[0].isupper()
    assert advice.endswith(".")
    assert "  " not in advice


def test_a_finding_has_five_rows_at_most() -> None:
    finding = find("html", rows_of(a=9), "train", [1, 3, 4, 6, 7, 9], "Some HTML.")
    assert (finding.severity, finding.count, finding.rows) == ("info", 6, (1, 3, 4, 6, 7))
    assert finding.where == "6 rows (1, 3, 4, 6, 7, ...)"
    assert finding.advice == CATALOGUE["html"][1]


def test_a_finding_about_a_split_as_a_whole_has_no_rows() -> None:
    finding = find_whole("giveaway_length", "train", 7, "Lengths.")
    assert (finding.count, finding.rows, finding.where) == (7, (), "")


def test_a_row_is_named_within_its_file_if_there_are_several() -> None:
    assert name_row(rows_of(a=5000), 1234) == "row 1234"
    assert [name_row(rows_of(a=2, b=3), number) for number in (1, 2, 3, 5)] == [
        "row 1 of a",
        "row 2 of a",
        "row 1 of b",
        "row 3 of b",
    ]


def test_on_class_weights_there_is_one_advice() -> None:
    said = "to find more of the rarer class, leave class_weight off and choose a threshold for a goal"
    page = (PAGE.parents[1] / "explanation/imbalance.md").read_text(encoding="utf-8")
    field = FineTuneConfig.model_fields["class_weight"].description or ""
    for text in (CATALOGUE["imbalance"][1], field, page):
        assert said in " ".join(text.replace("`", "").lower().split())
    for path in (PAGE.parents[2] / "README.md", *PAGE.parents[1].rglob("*.md")):
        text = path.read_text(encoding="utf-8").replace("`", "")
        assert not re.search(r"\b(try|use|set)\W[^.]{0,40}class_weight?\b", text, re.IGNORECASE), path
