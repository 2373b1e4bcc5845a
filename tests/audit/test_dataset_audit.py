"""The audit as a whole: every source, any rows, in any order. Covers audit/dataset.py, audit/sampling.py."""

import json
import random
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
from auditing import audit_splits, clean_rows, codes, one
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub import LoopbackHub
from imdb_sentiment import ConfigError, DataConfig, DataError, MissingExtraError, SentimentFineTuner, audit_dataset
from imdb_sentiment.audit import dataset
from imdb_sentiment.audit.dataset import audit_rows
from imdb_sentiment.audit.sampling import read_texts, smallest_digests
from imdb_sentiment.data.inspection import inspect_rows
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.results import DataAudit

TEXTS, LABELS = clean_rows()
FLAWED = [*TEXTS, TEXTS[0], str(TEXTS[1]).upper(), f"{TEXTS[2]} too", "A\x07 bell", "&amp;", None, "cafÃ©", "\ufffd"]
FLAWED_LABELS = [*LABELS, 0, 1, 1, "1 ", 0, 0, 1, None]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with `train.csv` and `test.csv`, of 60 rows each, one of them in both."""
    monkeypatch.chdir(tmp_path)
    others, other_labels = clean_rows(seed=1)
    pd.DataFrame({"text": TEXTS, "label": LABELS}).to_csv("train.csv", index=False)
    frame = pd.DataFrame({"text": [*others[1:], TEXTS[0]], "label": [*other_labels[1:], LABELS[0]]})
    frame.to_csv("test.csv", index=False)
    return tmp_path


def test_any_source_is_taken(here: Path, hub: LoopbackHub) -> None:
    frames = {name: pd.read_csv(f"{name}.csv") for name in ("train", "test")}
    tables = datasets.DatasetDict({name: datasets.Dataset.from_pandas(frame) for name, frame in frames.items()})
    by_mapping = DataConfig(source={"train": "train.csv", "test": "test.csv"})
    sources: list[tuple[Any, DataConfig | None]] = [
        (str(here), None),
        (here, None),
        ({"train": "train.csv", "test": Path("test.csv")}, None),
        (None, by_mapping),
        (frames, None),
        (tables, None),
    ]
    for source, config in sources:
        audit = audit_dataset(source, config)
        assert list(audit.splits) == ["train", "test"]
        assert codes(audit) == {"overlap_exact_train_test": 1}
    assert codes(audit_dataset(frames["train"])) == {}
    assert codes(audit_dataset((TEXTS, LABELS))) == {}
    assert audit_dataset(None).origin == audit_dataset("stanfordnlp/imdb").origin == "stanfordnlp/imdb"


def test_splits_are_taken_as_they_are(here: Path) -> None:
    labels = ["spam" if label else "ham" for label in LABELS]
    config = DataConfig(positive_label="spam", text_column="t", label_column="kind", group_column="author")
    frame = pd.DataFrame({"t": TEXTS, "kind": labels, "author": [f"a{i}" for i in range(60)]})
    frame.to_csv("all.csv", index=False)
    splits = SentimentFineTuner(config.replace(source="all.csv")).splits
    for given_config in (config, None):
        audit = audit_dataset(splits, given_config)
        assert audit.splits == {split: rows for split, rows in splits.summary.rows.items() if any(rows.values())}
        assert codes(audit) == {}


def test_splits_of_pairs_are_taken_as_they_are(here: Path) -> None:
    others, _ = clean_rows(seed=5)
    others[7] = "A bell\x07 rings."
    pd.DataFrame({"a": TEXTS, "b": others, "label": LABELS}).to_csv("pairs.csv", index=False)
    config = DataConfig(source="pairs.csv", text_columns=("a", "b"))
    assert codes(audit_dataset(SentimentFineTuner(config).splits)) == {"characters_control": 1}


@pytest.mark.parametrize(
    ("source", "fields", "message"),
    [
        ("nowhere.csv", {}, "there is no file or folder nowhere.csv"),
        ("train.csv", {"text_column": "txet"}, "column 'txet' is not in train.csv"),
        ("ragged.csv", {}, "ragged.csv is ragged in 1 row"),
        (3, {}, "data of this type cannot be read"),
    ],
)
def test_a_source_that_cannot_be_read(here: Path, source: Any, fields: dict[str, Any], message: str) -> None:
    Path("ragged.csv").write_text("text,label\na,b,1\n")
    with pytest.raises(DataError, match=message):
        audit_dataset(source, DataConfig(**fields))


def test_a_mapping_of_nothing_is_refused() -> None:
    with pytest.raises(DataError):
        audit_dataset({})


def test_what_is_not_installed_is_told_before_the_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rensa", None)
    with pytest.raises(MissingExtraError, match="rensa"):
        audit_dataset("nowhere.csv")
    with pytest.raises(DataError, match="nowhere"):
        audit_dataset("nowhere.csv", DataConfig(near_duplicates="ignore"))


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(ConfigError):
        audit_dataset((TEXTS, LABELS), model_name="")


def test_findings_stand_in_order() -> None:
    audit = audit_splits(
        {"train": [("<p>x</p>", 1), ("y\x07", 0), ("z", None)], "test": [("<b>u</b>", 0), ("\ufffd", 1), (None, 1)]}
    )
    assert [(finding.severity, finding.code, finding.split) for finding in audit.findings] == [
        ("error", "label_null", "train"),
        ("error", "text_null", "test"),
        ("warning", "characters_replacement", "test"),
        ("info", "characters_control", "train"),
        ("info", "html", "train"),
        ("info", "html", "test"),
    ]


def test_an_inspection_made_for_splits_is_used_again() -> None:
    config = DataConfig()
    raw = load_source(config, (FLAWED, FLAWED_LABELS))
    inspected = inspect_rows(raw.splits, config, check=False)
    assert audit_rows(raw, inspected, config) == audit_dataset((FLAWED, FLAWED_LABELS))


def test_what_is_about_several_splits_is_told_of_train_first(here: Path) -> None:
    for name in ("train", "test"):  # a folder is read in the order of its names
        Path(f"{name}.csv").write_text("text,label\nA text.,1\nTwo texts.,0\nOne more.,maybe\n")
    finding = one(audit_dataset(here), "labels_not_understood")
    assert (finding.split, finding.where) == ("train", "1 row (3); in test: 1 row (3)")


def test_notes_of_the_source_are_kept(here: Path) -> None:
    (here / "extra.csv").write_text("text,label\n")
    assert any("extra.csv" in note for note in audit_dataset(here).notes)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_changes_no_count(seed: int, tiny_model: Path) -> None:
    def found(order: list[int]) -> dict[str, int]:
        rows = ([FLAWED[i] for i in order], [FLAWED_LABELS[i] for i in order])
        audit = audit_dataset(rows, model_name=str(tiny_model))
        return {code: count for code, count in codes(audit).items() if not code.endswith("by_label")}

    order = list(range(len(FLAWED)))
    before = found(order)
    assert len(before) == 11
    random.Random(seed).shuffle(order)
    assert found(order) == before


def test_very_many_rows_are_looked_at_closely_in_part(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "_SAMPLE_ROWS", 20)
    order = random.Random(0).sample(range(60), 60)
    one_way = audit_dataset((TEXTS, LABELS), model_name=str(tiny_model))
    other = audit_dataset(([TEXTS[i] for i in order], [LABELS[i] for i in order]), model_name=str(tiny_model))
    assert one_way.tokens == other.tokens
    assert one_way.tokens is not None
    assert one_way.tokens.rows == 20
    assert codes(one_way) == codes(other)
    note = "tokens were counted, and label leaks searched for, in 20 of 60 rows, chosen by a hash of the text"
    assert one_way.notes == (note,)


def test_the_sample_is_over_all_splits_and_keeps_the_order_of_rows() -> None:
    config = DataConfig()
    frames = {
        name: pd.DataFrame({"text": clean_rows(seed=i)[0], "label": LABELS}) for i, name in enumerate(("train", "test"))
    }
    parts = inspect_rows(load_source(config, frames).splits, config, check=False).parts
    chosen = smallest_digests(parts, 50)
    assert list(chosen) == ["train", "test"]
    assert sum(map(len, chosen.values())) == 50
    limit = max(int(rows.digests.max()) for rows in chosen.values())
    assert sum(int((rows.digests <= limit).sum()) for rows in parts.values()) == 50
    for split, rows in chosen.items():
        assert (np.diff(rows.positions) > 0).all()
        read = [text for texts in read_texts(rows, "reading") for (text,) in texts]
        assert read == [frames[split]["text"][i] for i in rows.positions]


ODD = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "\u200b",
        "\ufeff",
        "🙂",
        "👩‍💻",
        "שלום",
        "مرحبا",
        "a\x00b",
        "\u202egnirts",
        "<br>",
        "Ã©",
        "\ufffd",
        "x" * 9,
    ]
)
TEXT = st.one_of(st.none(), ODD, st.text(max_size=30), st.integers(), st.floats(), st.booleans(), st.just(b"bytes"))
LABEL = st.one_of(
    st.sampled_from([0, 1, "pos", "neg", "Pos ", True, None, float("nan"), 2.5, "\0", "🙂"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)


@pytest.mark.integration
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TEXT, LABEL), max_size=30),
    split=st.integers(0, 30),
    positive=st.sampled_from([None, "pos", "1"]),
)
def test_any_rows_give_an_audit(
    rows: list[tuple[object, object]], split: int, positive: str | None, tiny_model: Path
) -> None:
    config = DataConfig(positive_label=positive)
    whole = audit_dataset(
        ([text for text, _ in rows], [label for _, label in rows]), config, model_name=str(tiny_model)
    )
    check(whole)
    backwards = audit_dataset(([text for text, _ in rows[::-1]], [label for _, label in rows[::-1]]), config)
    assert without_order(backwards) == without_order(whole)
    parts = {"train": rows[:split], "test": rows[split:]}
    tables = {name: pd.DataFrame(part, columns=["text", "label"], dtype=object) for name, part in parts.items()}
    check(audit_dataset(tables, config))


def without_order(audit: DataAudit) -> dict[str, int]:
    """Count what depends neither on the order of rows nor on a model."""
    apart = ("sorted_by", "blocked_by", "truncated", "unknown_tokens", "vocabulary_mismatch", "no_tokens")
    return {code: count for code, count in codes(audit).items() if not code.startswith(apart)}


def check(audit: DataAudit) -> None:
    content = audit.to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert str(audit)
    assert audit.short().startswith("audit: ")
    for finding in audit.findings:
        assert len(finding.rows) <= min(5, finding.count)
        assert list(finding.rows) == sorted(set(finding.rows))


def test_a_very_long_text(tiny_model: Path) -> None:
    texts, labels = clean_rows()
    audit = audit_dataset(([*texts, "word é " * 150_000], [*labels, 1]), model_name=str(tiny_model))
    assert audit.tokens is not None
    assert audit.tokens.longest > 300_000
    assert one(audit, "truncated_at_512").rows[-1] == 61
