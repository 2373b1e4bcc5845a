import itertools
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.labels import UNDERSTOOD, LabelNames, match_labels, resolve_labels
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.errors import DataError

SPAM = LabelNames("ham", "spam")
OPTIONS = ("--positive-label", "--negative-label")
NUMBERS = [*UNDERSTOOD[:2], ("LABEL_0", "LABEL_1")]
WORDS = [*UNDERSTOOD[2:]]


def spellings(label: str) -> st.SearchStrategy[str]:
    """Ways to write a label that mean the same."""
    forms = [label, label.upper(), label.lower(), label.title(), f" {label}", f"{label} "]
    if label in ("0", "1"):
        forms += [f"{label}.0", f"{label}.", f"+{label}", f"{label}.000000e+00"]
    return st.sampled_from(forms)


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ("0", "1"),
        ("false", "true"),
        ("False", "True"),
        ("FALSE", "TRUE"),
        ("neg", "pos"),
        ("Neg", "POS"),
        ("negative", "positive"),
        ("Negative", "positive"),
        (" negative", "POSITIVE "),
    ],
)
def test_a_usual_spelling_is_understood(negative: str, positive: str) -> None:
    labelling = resolve_labels({positive: 3, negative: 1}, DataConfig(), "here")
    assert labelling.ids == {negative: 0, positive: 1}
    assert labelling.names == ("negative", "positive")


def test_several_spellings_of_the_same_pair_are_understood_together() -> None:
    labelling = resolve_labels({"pos": 1, "Pos": 2, "NEG": 3, "neg ": 4}, DataConfig(), "here")
    assert labelling.ids == {"pos": 1, "Pos": 1, "NEG": 0, "neg ": 0}


@pytest.mark.parametrize("labels", list(itertools.permutations(["1", "0"])))
def test_the_order_of_the_rows_does_not_decide(labels: tuple[str, str]) -> None:
    assert resolve_labels(dict.fromkeys(labels, 5), DataConfig(), "here").ids == {"0": 0, "1": 1}


@pytest.mark.parametrize(
    "labels",
    [
        ["spam", "ham"],
        ["yes", "no"],
        ["1", "2"],
        ["1", "-1"],
        ["0", "pos"],
        ["neg", "positive"],
        ["0", "1", "2"],
        ["neg", "pos", "neutral"],
        ["1.0", "2.0"],
        ["0", "1.5"],
        ["00", "01"],
        ["", "pos"],
        ["0", "1", "false", "true"],
    ],
)
def test_labels_that_are_not_understood_are_never_guessed(labels: list[str]) -> None:
    with pytest.raises(DataError, match="the labels of here are not understood") as caught:
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(), "here")
    assert caught.value.expected is not None
    assert "0/1, false/true, neg/pos or negative/positive" in caught.value.expected
    assert all(f"{label!r} (5 rows)" in str(caught.value.found) for label in labels)


@pytest.mark.parametrize("counts", [{"ham": 4825, "spam": 747}, {"spam": 4825, "ham": 747}])
def test_the_hint_shows_how_to_name_either_of_two_labels(counts: dict[str, int]) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels(counts, DataConfig(), "sms.tsv")
    assert caught.value.hint == "DataConfig(positive_label='ham') or DataConfig(positive_label='spam')"
    assert "--positive-label ham or --positive-label spam" in caught.value.for_shell(OPTIONS)


@pytest.mark.parametrize("labels", [["it's", "not it"], ["-1", "1"], ["$HOME", "a;b"]])
def test_each_command_of_the_hint_survives_a_shell(labels: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(), "here")
    commands = caught.value.for_shell(OPTIONS).rpartition("try:")[2].split(" or ")
    assert {shlex.split(command.replace("=", " "))[1] for command in commands} == set(labels)


def test_three_labels_are_refused_even_when_one_is_named() -> None:
    counts = {"good": 5, "bad": 3, "so-so": 2}
    with pytest.raises(DataError, match="here has 3 different labels") as caught:
        resolve_labels(counts, DataConfig(positive_label="good"), "here")
    assert caught.value.found == "'good' (5 rows), 'bad' (3 rows), 'so-so' (2 rows)"
    assert caught.value.expected == "two labels, one of them 'good'"


def test_many_labels_are_listed_up_to_ten() -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels({f"{i:02}": 1 for i in range(1500)}, DataConfig(), "here")
    assert str(caught.value.found).endswith("'09' (1 row), and 1,490 more values")


@pytest.mark.parametrize("config", [DataConfig(), DataConfig(positive_label="1"), DataConfig(positive_label="pos")])
@pytest.mark.parametrize("counts", [{"1": 5}, {"pos": 5}])
def test_one_class_only_is_refused(counts: dict[str, int], config: DataConfig) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels(counts, config, "here")
    assert f"{next(iter(counts))!r} (5 rows)" in str(caught.value.found)


def test_one_class_only_is_called_so() -> None:
    with pytest.raises(DataError, match="here has only one class") as caught:
        resolve_labels({"1": 5}, DataConfig(), "here")
    assert (caught.value.found, caught.value.expected) == ("'1' (5 rows)", "rows of two classes")


@pytest.mark.parametrize("config", [DataConfig(), DataConfig(positive_label="1")])
def test_minus_one_is_explained_as_not_labelled(config: DataConfig) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels({"0": 5, "1": 5, "-1": 50_000}, config, "here")
    assert "-1 marks rows without a label" in str(caught.value.hint)
    assert "50,000 rows" in str(caught.value.hint)


@pytest.mark.parametrize("written", [("-1", "1"), ("-1.0", "1.0"), ("-1.00", "1.00"), ("-1.0", "+1")])
@pytest.mark.parametrize("positive", [1, 1.0, "1", "1.0", np.int64(1), np.float32(1)])
def test_minus_one_and_one_are_two_labels(written: tuple[str, str], positive: Any) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels(dict.fromkeys(written, 5), DataConfig(), "here")
    assert "without a label" not in str(caught.value)
    assert "--positive-label=-1 or --positive-label 1" in caught.value.for_shell(OPTIONS)
    labelling = resolve_labels(dict.fromkeys(written, 5), DataConfig(positive_label=positive), "here")
    assert labelling.ids == dict(zip(written, (0, 1), strict=True))
    assert labelling.names == ("-1", "1")


def test_minus_one_that_is_named_is_not_explained_as_not_labelled() -> None:
    with pytest.raises(DataError, match="3 different labels") as caught:
        resolve_labels({"-1": 5, "0": 5, "1": 5}, DataConfig(positive_label="1", negative_label="-1"), "here")
    assert "without a label" not in str(caught.value)


@given(st.data())
def test_numbers_of_any_form_are_the_same_labels(data: st.DataObject) -> None:
    zero, one = data.draw(spellings("0")), data.draw(spellings("1"))
    assert resolve_labels({one: 2, zero: 3}, DataConfig(), "here").ids == {zero: 0, one: 1}


@pytest.mark.parametrize("negative", [None, "ham"])
def test_a_named_label_is_positive_and_both_keep_their_names(negative: str | None) -> None:
    config = DataConfig(positive_label="spam", negative_label=negative)
    labelling = resolve_labels({"ham": 5, "spam": 3}, config, "here")
    assert labelling.names == ("ham", "spam")
    assert labelling.ids == {"ham": 0, "spam": 1}


@pytest.mark.parametrize("labels", [["spam", "Spam"], ["1", "1.0"], ["true", "TRUE "]])
def test_another_spelling_of_the_named_label_is_not_the_other_label(labels: list[str]) -> None:
    with pytest.raises(DataError, match="has only one class"):
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(positive_label=labels[0]), "here")


def test_a_named_label_may_turn_the_usual_order_round() -> None:
    labelling = resolve_labels({"neg": 5, "pos": 3}, DataConfig(positive_label="neg"), "here")
    assert labelling.names == ("pos", "neg")
    assert labelling.ids == {"neg": 1, "pos": 0}


@pytest.mark.parametrize(
    ("given_as", "labels", "names"),
    [(1, ["0", "1"], ("0", "1")), (0, ["0", "1"], ("1", "0")), (True, ["true", "false"], ("false", "true"))],
)
def test_the_named_label_may_be_a_number_or_a_boolean(given_as: Any, labels: list[str], names: tuple[str, str]) -> None:
    labelling = resolve_labels(dict.fromkeys(labels, 2), DataConfig(positive_label=given_as), "here")
    assert labelling.names == names
    assert labelling.ids[str(given_as).lower()] == 1


@pytest.mark.parametrize(
    ("config", "field", "label"),
    [
        (DataConfig(positive_label="Spam"), "positive_label", "Spam"),
        (DataConfig(positive_label="spam", negative_label="hamm"), "negative_label", "hamm"),
    ],
)
def test_a_named_label_that_no_row_has_is_refused_with_the_nearest(config: DataConfig, field: str, label: str) -> None:
    with pytest.raises(DataError, match=f"no row of here has the {field} '{label}'") as caught:
        resolve_labels({"ham": 5, "spam": 3}, config, "here")
    assert caught.value.hint == f"DataConfig({field}='{'spam' if field == 'positive_label' else 'ham'}')"
    assert caught.value.found == "'ham' (5 rows), 'spam' (3 rows)"


def test_the_labels_of_a_trained_model_are_understood_without_being_named() -> None:
    labelling = resolve_labels({"spam": 1, "ham": 2}, DataConfig(), "here", known=SPAM)
    assert (labelling.names, labelling.ids) == (SPAM, {"ham": 0, "spam": 1})


@pytest.mark.parametrize("label", ["ham", "spam"])
def test_one_class_is_enough_to_measure_a_trained_model_on(label: str) -> None:
    for config in (DataConfig(), DataConfig(positive_label="spam")):
        labelling = resolve_labels({label: 3}, config, "here", known=SPAM)
        assert (labelling.names, labelling.ids) == (SPAM, {label: SPAM.index(label)})


def test_usual_spellings_are_understood_for_a_trained_model_too() -> None:
    labelling = resolve_labels({"0": 3, "1": 1}, DataConfig(), "here", known=SPAM)
    assert (labelling.names, labelling.ids) == (SPAM, {"0": 0, "1": 1})


def test_other_spellings_may_be_named_for_a_trained_model() -> None:
    labelling = resolve_labels({"junk": 3, "ok": 1}, DataConfig(positive_label="junk"), "here", known=SPAM)
    assert (labelling.names, labelling.ids) == (SPAM, {"junk": 1, "ok": 0})


def test_labels_that_a_trained_model_does_not_know_are_refused() -> None:
    with pytest.raises(DataError, match="are not understood"):
        resolve_labels({"junk": 3, "ok": 1}, DataConfig(), "here", known=SPAM)


def test_a_name_that_is_near_none_of_two_labels_is_not_taken_for_one() -> None:
    with pytest.raises(DataError, match="no row of here has the positive_label 'positive'") as caught:
        resolve_labels({"negative": 5, "neutral": 3}, DataConfig(positive_label="positive"), "here")
    assert "--positive-label negative or --positive-label neutral" in caught.value.for_shell(OPTIONS)


@given(st.data(), st.sampled_from([NUMBERS, WORDS]), st.booleans())
def test_a_models_names_are_matched_by_meaning_in_either_order(
    data: st.DataObject, kind: list[tuple[str, str]], turned: bool
) -> None:
    own, pair = data.draw(st.sampled_from(kind)), data.draw(st.sampled_from(kind))
    first, second = (data.draw(spellings(label)) for label in pair)
    names = LabelNames(*(reversed(own) if turned else own))
    for counts in ({first: 5, second: 3}, {first: 5}, {second: 5}):
        labelling = resolve_labels(counts, DataConfig(), "here", known=names)
        assert labelling.names == names
        assert labelling.ids == {label: int((label == second) != turned) for label in counts}
        assert not labelling.assumed


@given(st.data(), st.sampled_from([(NUMBERS, WORDS), (WORDS, NUMBERS)]))
def test_numbers_and_words_are_matched_unless_the_model_has_them_the_other_way_round(
    data: st.DataObject, kinds: tuple[list[tuple[str, str]], ...]
) -> None:
    own, pair = (data.draw(st.sampled_from(kind)) for kind in kinds)
    first, second = (data.draw(spellings(label)) for label in pair)
    in_order, turned = LabelNames(*own), LabelNames(*reversed(own))
    for counts in ({first: 5, second: 3}, {first: 5}, {second: 5}):
        ids = resolve_labels(counts, DataConfig(), "here", known=in_order).ids
        assert ids == {label: int(label == second) for label in counts}
        with pytest.raises(DataError, match="are not understood") as caught:
            resolve_labels(counts, DataConfig(), "here", known=turned)
        assert f"whichever says what the model calls {turned.positive!r}" in str(caught.value.hint)


def test_what_the_hint_says_is_understood() -> None:
    known = LabelNames("positive", "negative")
    both = {"0": 5, "1": 3}
    assert resolve_labels(both, DataConfig(positive_label="0"), "here", known=known).ids == {"0": 1, "1": 0}
    assert resolve_labels(both, DataConfig(positive_label="1"), "here", known=known).ids == {"0": 0, "1": 1}
    with pytest.raises(DataError) as caught:
        resolve_labels({"0": 5}, DataConfig(), "here", known=known)
    assert "--positive-label 0 or --positive-label negative with --negative-label 0" in caught.value.for_shell(OPTIONS)
    config = DataConfig(positive_label="negative", negative_label="0")
    assert resolve_labels({"0": 5}, config, "here", known=known).ids == {"0": 0}


@given(st.permutations(["ham", "spam"]), st.data())
def test_a_models_own_names_are_known_in_any_spelling(names: list[str], data: st.DataObject) -> None:
    counts = {data.draw(spellings(name)): 5 for name in names}
    for config in (DataConfig(), DataConfig(positive_label=names[1])):
        labelling = resolve_labels(counts, config, "here", known=LabelNames(*names))
        assert [*labelling.ids.values()] == [0, 1]
        assert labelling.read_as == {label: name for label, name in zip(counts, names, strict=True) if label != name}


@pytest.mark.parametrize(
    ("labels", "names", "positive", "ids"),
    [
        (["ham", "ok"], SPAM, "ok", {"ham": 0, "ok": 1}),
        (["Spam", "ok"], SPAM, "Spam", {"Spam": 1, "ok": 0}),
        (["0", "1"], LabelNames("-1", "1"), "1", {"0": 0, "1": 1}),
    ],
)
def test_a_label_beside_one_of_the_models_own_is_not_taken_for_the_other(
    labels: list[str], names: LabelNames, positive: str, ids: dict[str, int]
) -> None:
    counts = dict.fromkeys(labels, 5)
    with pytest.raises(DataError, match="are not understood") as caught:
        resolve_labels(counts, DataConfig(), "here", known=names)
    assert f"--positive-label {positive}, if " in caught.value.for_shell(OPTIONS)
    assert resolve_labels(counts, DataConfig(positive_label=positive), "here", known=names).ids == ids


def test_names_that_differ_in_case_alone_are_told_apart() -> None:
    known = LabelNames("us", "US")
    assert resolve_labels({"us": 5, "US": 3}, DataConfig(), "here", known=known).ids == {"us": 0, "US": 1}
    with pytest.raises(DataError, match="are not understood"):
        resolve_labels({"Us": 5}, DataConfig(), "here", known=known)


@pytest.mark.parametrize("names", [SPAM, LabelNames("spam", "ham"), LabelNames("neutral", "positive")])
@pytest.mark.parametrize("labels", [["neg", "pos"], ["Negative"], ["0", "pos"], ["neg", "positive"], ["ham", "neg"]])
def test_words_are_never_taken_for_names_of_another_kind(names: LabelNames, labels: list[str]) -> None:
    with pytest.raises(DataError, match="are not understood"):
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(), "here", known=names)


@pytest.mark.parametrize("labels", [("0", "1"), ("False", "True"), ("0.0", "1.0")])
def test_numbers_of_classes_with_other_names_are_taken_in_order_which_is_said(labels: tuple[str, str]) -> None:
    labelling = resolve_labels(dict.fromkeys(labels, 5), DataConfig(), "here", known=SPAM)
    assert labelling.assumed
    assert labelling.read_as == dict(zip(labels, SPAM, strict=True))


@pytest.mark.parametrize(
    ("labels", "named", "names"),
    [
        (["neg", "pos"], "neg", LabelNames()),
        (["Negative", "Positive"], "positive", LabelNames("positive", "negative")),
        (["ham", "spam"], "ham", SPAM),
        (["true", "false"], "false", LabelNames("0", "1")),
    ],
)
def test_a_named_label_that_contradicts_the_models_names_is_refused(
    labels: list[str], named: str, names: LabelNames
) -> None:
    with pytest.raises(DataError, match=f"positive_label '{named}' means the model's '{names.negative}'"):
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(positive_label=named), "here", known=names)


@pytest.mark.parametrize("labels", [["ham", "spam"], ["Junk"], ["0", "1"], ["spam", "junk", "ok"]])
def test_a_named_label_that_no_row_has_is_refused_for_a_model_too(labels: list[str]) -> None:
    with pytest.raises(DataError):
        resolve_labels(dict.fromkeys(labels, 5), DataConfig(positive_label="junk"), "here", known=SPAM)


def test_the_spelling_of_training_may_be_named_again() -> None:
    known = LabelNames("positive", "negative")
    config = DataConfig(positive_label="negative")
    assert resolve_labels({"Negative": 3, "Positive": 1}, config, "here", known=known).ids == {
        "Negative": 1,
        "Positive": 0,
    }
    assert resolve_labels({"pos": 1}, config, "here", known=known).ids == {"pos": 0}


SEQUENCES: dict[str, Any] = {
    "list": list,
    "tuple": tuple,
    "NumPy": np.array,
    "pandas": pd.Series,
    "pandas categories": lambda values: pd.Series(values, dtype="category"),
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
    "datasets": lambda values: datasets.Dataset.from_dict({"label": values})["label"],
}


@pytest.mark.parametrize("kind", SEQUENCES)
@pytest.mark.parametrize("values", [["neg", "pos"], [0, 1], [0.0, 1.0], [False, True], ["Negative", "POSITIVE"]])
def test_given_labels_are_understood_as_those_of_training_are(kind: str, values: list[Any]) -> None:
    labels = SEQUENCES[kind]([*values, values[0]])
    assert match_labels(labels, LabelNames(), rows=3)[0] == [0, 1, 0]
    turned = LabelNames("positive", "negative")
    if isinstance(values[0], str):
        assert match_labels(labels, turned, rows=3)[0] == [1, 0, 1]
    else:
        with pytest.raises(DataError, match="the labels do not fit") as caught:
            match_labels(labels, turned, rows=3)
        assert caught.value.expected == "one label for each text: 'positive' or 'negative'"


def test_class_labels_are_given_by_their_names() -> None:
    features = datasets.Features({"label": datasets.ClassLabel(names=["pos", "neg"])})
    column = datasets.Dataset.from_dict({"label": [0, 1, 0]}, features=features)["label"]
    assert match_labels(column, LabelNames(), rows=3)[0] == [1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "rows", "wrong"),
    [
        (["spam", None, "ham"], 3, (2,)),
        ([1.0, float("nan"), 0.0], 3, (2,)),
        (pa.chunked_array([["spam", None]]), 2, (2,)),
        (["spam", "eggs", "ham"], 3, (2,)),
        (["spam"], 2, ()),
        ([], 0, ()),
    ],
)
def test_given_labels_that_do_not_fit_are_refused(labels: Any, rows: int, wrong: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="the labels do not fit") as caught:
        match_labels(labels, SPAM, rows=rows)
    assert caught.value.rows == wrong


@pytest.mark.parametrize("labels", ["spam", {"spam": 1}, {"spam"}, 1, None])
def test_what_is_no_sequence_of_labels_is_refused(labels: Any) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        match_labels(labels, SPAM, rows=1)


def decimals(labels: list[int], kind: pa.DataType) -> pa.Array:
    return pa.array([Decimal(label) for label in labels], kind)


IN_FILES: dict[str, Any] = {
    "rows.csv": lambda file, table: table.assign(label=[f"{i}.0" for i in table.label]).to_csv(file, index=False),
    "numpy.csv": lambda file, table: table.assign(label=[f"{i:.18e}" for i in table.label]).to_csv(file, index=False),
    "rows.tsv": lambda file, table: table.to_csv(file, index=False, sep="\t"),
    "rows.jsonl": lambda file, table: table.astype({"label": float}).to_json(file, orient="records", lines=True),
    "rows.parquet": lambda file, table: table.astype({"label": float}).to_parquet(file),
    "categories.parquet": lambda file, table: (
        table.astype({"label": float}).astype({"label": "category"}).to_parquet(file)
    ),
    "decimals.parquet": lambda file, table: pq.write_table(
        pa.table({"text": [*table.text], "label": decimals([*table.label], pa.decimal128(6, 2))}), file
    ),
}
IN_MEMORY: dict[str, Any] = {
    "pandas": lambda labels: pd.Series(labels, dtype="float64"),
    "pandas with nulls allowed": lambda labels: pd.Series(labels, dtype="Float32"),
    "pandas categories": lambda labels: pd.Series(labels, dtype="category"),
    "pandas decimals": lambda labels: pd.Series([Decimal(f"{label}.0") for label in labels]),
    "polars": lambda labels: pl.Series(labels, dtype=pl.Float32),
    "polars decimals": lambda labels: pl.Series(labels).cast(pl.Decimal(6, 1)),
    "polars Enum": lambda labels: pl.Series([f"{i}.0" for i in labels], dtype=pl.Enum(["0.0", "1.0", "-1.0"])),
    "Arrow decimals": lambda labels: decimals(labels, pa.decimal256(40, 1)),
    "Arrow dictionary": lambda labels: pa.array(labels, pa.float64()).dictionary_encode(),
    "NumPy": lambda labels: np.array(labels, np.float16),
    "list": lambda labels: [float(label) for label in labels],
}
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "Arrow": pa.table}


@pytest.mark.parametrize("negative", [0, -1])
@pytest.mark.parametrize("container", [*IN_FILES, *IN_MEMORY])
def test_numbers_mean_the_same_in_any_container(container: str, negative: int, tmp_path: Path) -> None:
    texts = [f"Seen at the {place}, number {i}." for i in range(10) for place in ("sea", "lake")]
    labels = [1, negative] * 10
    config = DataConfig(near_duplicates="ignore", positive_label=1 if negative else None)  # type: ignore[arg-type]
    expected = load_splits(config, (texts, labels))
    if container in IN_FILES:
        IN_FILES[container](tmp_path / container, pd.DataFrame({"text": texts, "label": labels}))
        found = load_splits(config.replace(source=tmp_path / container))
    else:
        column = IN_MEMORY[container](labels)
        frame = FRAMES.get(container.split()[0])
        found = load_splits(config, frame({"text": texts, "label": column}) if frame else (texts, column))
    assert found.names == expected.names == (("-1", "1") if negative else ("negative", "positive"))
    assert found.splits.summary.fingerprint == expected.splits.summary.fingerprint
    assert {row["text"].split()[3][:3] for row in found.splits.train if row["label"] == 1} == {"sea"}
