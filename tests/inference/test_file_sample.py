"""Rows are drawn from a file without reading it into memory."""

from pathlib import Path

from imdb_sentiment.inference.file_sample import sample_file


def test_rows_are_drawn_in_their_order_with_their_labels(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\n" + "".join(f"text {i},{i}\n" for i in range(5000)), encoding="utf-8")
    sample = sample_file(file, ["text"], "label", most=100, seed=3)
    assert sample.rows_given == 5000
    numbers = [int(str(label)) for label in sample.labels or ()]
    assert len(numbers) == 100
    assert numbers == sorted(numbers)
    assert sample.texts == [f"text {number}" for number in numbers]
    assert max(numbers) > 4096  # of the third chunk, too


def test_rows_that_cannot_be_classified_are_left_out_with_their_labels(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"text": "good", "made": {"label": 1}}\n{"text": 3, "made": {"label": 2}}\n{"text": " "}\n{"text": "bad"}\n',
        encoding="utf-8",
    )
    sample = sample_file(file, ["text"], "made.label", most=100, seed=3)
    assert sample.texts == ["good", "bad"]
    assert sample.labels == [1, None]
    assert sample.left_out == {"not text": 1, "no text": 1}
