"""Held-out rows are kept as numbers, and a damaged file is noticed."""

from pathlib import Path

import numpy as np
import pytest

from imdb_sentiment.evaluation.held_out import HeldOutRows


def test_they_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = HeldOutRows.of(np.array([[0.0, 1.0], [2.0, 0.0]]), [1, 0])
    rows.save(tmp_path / "rows.npz")
    again = HeldOutRows.load(tmp_path / "rows.npz")
    assert again.positive == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(2))])
    assert again.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("positive", "labels"), [([0.5, 0.5], [1]), ([0.5], [2]), ([1.5], [1]), ([float("nan")], [1]), ([[0.5]], [1])]
)
def test_what_was_never_written_is_refused(positive: list[float], labels: list[int], tmp_path: Path) -> None:
    rows = np.array(positive, dtype=np.float64), np.array(labels, dtype=np.int8)
    HeldOutRows(*rows).save(tmp_path / "rows.npz")
    with pytest.raises(ValueError, match=r"positive|labels"):
        HeldOutRows.load(tmp_path / "rows.npz")
