from pathlib import Path

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.evaluation_rows import load_evaluation_rows
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import DataError
from written_files import write_csv

SPAM = LabelNames("ham", "spam")
TRAIN = [("WIN a prize", "spam"), ("See you at 5", "ham")]
TEST = [("Free entry!", "spam"), ("Running late", "ham"), ("free ENTRY!", "spam")]


def write(path: Path, rows: list[tuple[str, str]]) -> str:
    write_csv(path, rows)
    return str(path)


def test_the_test_split_is_measured_where_there_is_one(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", TRAIN)
    write(tmp_path / "test.csv", TEST)
    rows = load_evaluation_rows(DataConfig(source=str(tmp_path)), SPAM)
    assert (rows.test.texts, rows.test.labels) == ([text for text, _ in TEST], [1, 0, 1])
    assert rows.notes == (f"measured on the test split of {tmp_path}",)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_all_rows_are_measured_where_they_are_not_divided(split: str, tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", TEST)
    rows = load_evaluation_rows(DataConfig(source={split: path}), SPAM)
    assert rows.test.texts == [text for text, _ in TEST]
    assert rows.notes == (f"measured on all rows of {path}",)


def test_rows_to_learn_from_are_never_measured_in_place_of_a_test_split(tmp_path: Path) -> None:
    source = {"train": write(tmp_path / "a.csv", TRAIN), "validation": write(tmp_path / "b.csv", TEST)}
    with pytest.raises(DataError, match="has no test split") as caught:
        load_evaluation_rows(DataConfig(source=source), SPAM)
    assert caught.value.found == "train, validation"


def test_labels_of_the_other_splits_do_not_matter(tmp_path: Path) -> None:
    source = {"train": write(tmp_path / "a.csv", [("Hello", "?")]), "test": write(tmp_path / "b.csv", TEST)}
    assert load_evaluation_rows(DataConfig(source=source), SPAM).test.labels == [1, 0, 1]


def test_one_class_is_enough_to_measure_on(tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", TEST[:1])
    assert load_evaluation_rows(DataConfig(source=path), SPAM).test.labels == [1]


def test_the_data_may_spell_the_labels_in_their_own_way(tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", [("Free entry!", "junk"), ("Running late", "fine")])
    config = DataConfig(source=path, positive_label="junk", negative_label="fine")
    assert load_evaluation_rows(config, SPAM).test.labels == [1, 0]


def test_labels_that_the_model_does_not_know_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", [("Free entry!", "junk"), ("Running late", "fine")])
    with pytest.raises(DataError, match="are not understood"):
        load_evaluation_rows(DataConfig(source=path), SPAM)


def test_rows_that_cannot_be_used_are_refused_or_left_out_and_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", [("", "spam"), *TEST, ("No label", "")])
    with pytest.raises(DataError, match="rows that cannot be used") as caught:
        load_evaluation_rows(DataConfig(source=path), SPAM)
    assert caught.value.rows == (1, 5)
    rows = load_evaluation_rows(DataConfig(source=path, invalid_rows="drop"), SPAM)
    assert rows.test.texts == [text for text, _ in TEST]
    assert rows.notes[1:] == ("1 row left out: text is blank", "1 row left out: label is null")


@pytest.mark.parametrize("invalid_rows", ["error", "drop"])
def test_a_source_with_no_row_to_measure_is_refused(invalid_rows: str, tmp_path: Path) -> None:
    path = write(tmp_path / "any.csv", [("", "spam"), ("No label", "")])
    with pytest.raises(DataError, match="has no rows that can be used") as caught:
        load_evaluation_rows(DataConfig().replace(source=path, invalid_rows=invalid_rows), SPAM)
    assert caught.value.found == "text is blank in 1 row (1); label is null in 1 row (2)"


def test_how_the_source_was_read_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "sms.tsv"
    path.write_text('label\ttext\nspam\t"Free\nham\tRunning late\n', encoding="utf-8")
    rows = load_evaluation_rows(DataConfig(source=str(path)), SPAM)
    assert rows.notes[1:] == ("sms.tsv: quote characters are read as ordinary text",)
