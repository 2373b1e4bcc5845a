import itertools
from typing import Any

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.labels import LabelNames, resolve_labels
from imdb_sentiment.errors import DataError

SPAM = LabelNames("ham", "spam")


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
        ["1.0", "0.0"],
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


def test_the_hint_offers_the_rarer_of_two_labels_as_the_positive_one() -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels({"ham": 4825, "spam": 747}, DataConfig(), "sms.tsv")
    assert caught.value.found == "'ham' (4,825 rows), 'spam' (747 rows)"
    assert caught.value.hint == "--positive-label spam (positive_label=... in Python)"


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
    with pytest.raises(DataError, match="here has one class only") as caught:
        resolve_labels({"1": 5}, DataConfig(), "here")
    assert (caught.value.found, caught.value.expected) == ("'1' (5 rows)", "rows of two classes")


@pytest.mark.parametrize("config", [DataConfig(), DataConfig(positive_label="1")])
def test_minus_one_is_explained_as_not_labelled(config: DataConfig) -> None:
    with pytest.raises(DataError) as caught:
        resolve_labels({"0": 5, "1": 5, "-1": 50_000}, config, "here")
    assert "-1 marks rows without a label" in str(caught.value.hint)
    assert "50,000 rows" in str(caught.value.hint)


@pytest.mark.parametrize("negative", [None, "ham"])
def test_a_named_label_is_positive_and_both_keep_their_names(negative: str | None) -> None:
    config = DataConfig(positive_label="spam", negative_label=negative)
    labelling = resolve_labels({"ham": 5, "spam": 3}, config, "here")
    assert labelling.names == ("ham", "spam")
    assert labelling.ids == {"ham": 0, "spam": 1}


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
    assert caught.value.hint == f"--set {field}={'spam' if field == 'positive_label' else 'ham'}"
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
