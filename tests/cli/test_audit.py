"""`imdb-sentiment audit`: what a user sees of a data set before training on it."""

import json
from pathlib import Path

import pytest
from command import run, write_reviews

from conftest import make_reviews
from imdb_sentiment import DataConfig, audit_dataset
from imdb_sentiment.cli.audit import audit
from imdb_sentiment.cli.console import for_shell
from imdb_sentiment.results import DataAudit


def audited(source: Path, config: DataConfig | None = None, **options: str) -> DataAudit:
    """Return what the command is to print."""
    return for_shell(audit_dataset(source, config, **options), audit)


@pytest.fixture
def flawed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the working directory with a blank text, a doubled one and a label in two spellings."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": text, "label": label} for text, label in zip(*make_reviews(60), strict=True)]
    rows += [{"text": " ", "label": 1}, rows[0], {"text": "One more of these.", "label": " 1"}]
    path = Path("reviews.jsonl")
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_the_report_is_printed_and_the_exit_code_is_0(flawed: Path) -> None:
    outcome = run("audit", flawed)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{audited(flawed)}\n"
    assert "leave them out: --set invalid_rows=drop." in outcome.out
    assert "\n  text_blank\n    1 row of train has a text with nothing to read\n      row 61\n" in outcome.out
    repeated = "1 row of train repeats an earlier row, character for character (row 62 and\n    row 1)"
    assert f"\n    {repeated}\n" in outcome.out


def test_json_is_the_audit_and_nothing_else(flawed: Path, tiny_model: Path) -> None:
    content = run("audit", flawed, "--model", tiny_model, "--json").read_json()
    assert content == audited(flawed, model_name=str(tiny_model)).to_dict()
    assert content["tokens"]["rows"] == 62


def test_columns_and_labels_of_other_names(tmp_path: Path) -> None:
    data = write_reviews(tmp_path / "sms.tsv", text="SMS", label="Label", names="ham spam")
    columns = ("--text-column", "SMS", "--label-column", "Label")
    content = run("audit", data, *columns, "--json").read_json()
    assert "labels_not_understood" in [finding["code"] for finding in content["findings"]]
    content = run("audit", data, *columns, "--positive-label", "spam", "--negative-label", "ham", "--json").read_json()
    assert content["splits"] == {"train": {"ham": 30, "spam": 30}}
    assert "labels_not_understood" not in [finding["code"] for finding in content["findings"]]


def test_any_field_can_be_set(flawed: Path) -> None:
    outcome = run("audit", flawed, "--set", "near_duplicates=ignore", "--set", "invalid_rows=drop")
    assert outcome.out == f"{audited(flawed, DataConfig(near_duplicates='ignore', invalid_rows='drop'))}\n"
    assert run("audit", flawed, "--set", "learning_rate=1").code == 2


def test_the_data_section_of_a_configuration_is_read(flawed: Path) -> None:
    Path("run.yaml").write_text(f"data:\n  source: {flawed}\n  near_duplicates: ignore\nfine_tune:\n  max_length: 64\n")
    config = DataConfig(near_duplicates="ignore")
    assert run("audit", "--config", "run.yaml").out == f"{audited(flawed, config)}\n"
    other = write_reviews(Path("other.csv"))
    assert run("audit", other, "--config", "run.yaml").out == f"{audited(other, config)}\n"
    wins = run("audit", "--config", "run.yaml", "--set", "near_duplicates=group", "--json").read_json()
    assert wins["notes"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "DataError: there is no file or folder nowhere.csv"),
        (["reviews.jsonl", "--text-column", "txet"], "DataError: column 'txet' is not in reviews.jsonl"),
        (["reviews.jsonl", "--model", "./nowhere"], "ModelError: there is no model folder nowhere"),
        (["reviews.jsonl", "--set", "text_colum=a"], "ConfigError: --set: no field 'text_colum'"),
        (["--config", "nowhere.yaml"], "ConfigError: cannot read the configuration file nowhere.yaml"),
    ],
)
def test_what_cannot_be_read_exits_with_2(flawed: Path, arguments: list[str], said: str) -> None:
    outcome = run("audit", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(said)
