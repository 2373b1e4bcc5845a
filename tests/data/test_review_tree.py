from pathlib import Path

import pytest

from imdb_sentiment.config import DataConfig
from imdb_sentiment.data.file_sources import read_folder
from imdb_sentiment.errors import DataError
from written_files import pairs

DATA = DataConfig()


def write_tree(folder: Path, reviews: dict[str, str]) -> None:
    for name, text in reviews.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_the_review_tree_is_read_with_pos_and_neg_as_labels(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "train/pos/1_9.txt": "Superb.",
            "train/neg/0_2.txt": "Dull.",
            "train/neg/2_1.txt": "Awful caf\u00e9 scenes.",
            "test/pos/0_10.txt": "None",
            "test/neg/0_3.txt": "A waste<br />of time.",
            "README": "The data set.",
            "train/labeledBow.feat": "0 1:2",
        },
    )
    _, splits, notes = read_folder(tmp_path, DATA)
    assert {split: pairs(rows) for split, rows in splits.items()} == {
        "train": [("Dull.", "neg"), ("Awful caf\u00e9 scenes.", "neg"), ("Superb.", "pos")],
        "test": [("A waste<br />of time.", "neg"), ("None", "pos")],
    }
    assert notes == ()


def test_unlabelled_reviews_of_the_tree_are_left_out_and_noted(tmp_path: Path) -> None:
    reviews = {"train/pos/0_9.txt": "Superb.", "train/neg/0_2.txt": "Dull.", "train/unsup/0_0.txt": "A film."}
    write_tree(tmp_path, reviews)
    _, splits, notes = read_folder(tmp_path, DATA)
    assert pairs(splits["train"]) == [("Dull.", "neg"), ("Superb.", "pos")]
    assert notes == ("train/unsup was left out: its reviews have no label",)


def test_a_review_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"train/pos/0_9.txt": "Superb.", "train/neg/0_2.txt": "Dull."})
    (tmp_path / "train" / "pos" / "1_9.txt").write_bytes(b"na\xefve")
    with pytest.raises(DataError, match=r"1_9\.txt is not UTF-8"):
        read_folder(tmp_path, DATA)


def test_a_review_keeps_its_line_ends(tmp_path: Path) -> None:
    write_tree(tmp_path, {"train/pos/0_9.txt": "", "train/neg/0_2.txt": "Dull."})
    (tmp_path / "train" / "pos" / "0_9.txt").write_bytes(b"one\r\ntwo\rthree\n")
    assert pairs(read_folder(tmp_path, DATA).splits["train"])[1] == ("one\r\ntwo\rthree\n", "pos")


def test_an_empty_review_tree_is_refused(tmp_path: Path) -> None:
    for name in ("pos", "neg"):
        (tmp_path / "train" / name).mkdir(parents=True)
    with pytest.raises(DataError, match="has no reviews"):
        read_folder(tmp_path, DATA)


@pytest.mark.parametrize(
    ("config", "column", "hint"),
    [
        (DataConfig(text_columns=("title", "body")), "body", "without text_columns"),
        (DataConfig(group_column="film"), "film", "without group_column"),
    ],
)
def test_a_column_that_no_review_tree_has_is_refused(
    config: DataConfig, column: str, hint: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"train/pos/0_9.txt": "Superb.", "train/neg/0_2.txt": "Dull."})
    with pytest.raises(DataError, match=f"has no column '{column}'") as caught:
        read_folder(tmp_path, config)
    assert caught.value.hint == hint
