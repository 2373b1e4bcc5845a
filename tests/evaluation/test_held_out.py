"""Held-out rows are kept as numbers, and a damaged file is noticed."""

from pathlib import Path

import numpy as np
import pytest

from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.runtime.arrays import save_arrays


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
    arrays = {"positive": np.array(positive, dtype=np.float64), "labels": np.array(labels, dtype=np.int8)}
    save_arrays(tmp_path / "rows.npz", arrays)
    with pytest.raises(ValueError, match=r"positive|labels"):
        HeldOutRows.load(tmp_path / "rows.npz")
