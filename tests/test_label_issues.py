"""Labels that are probably wrong are found, by models that did not learn from them. Covers results/label_issues.py."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from conftest import make_reviews
from imdb_sentiment import (
    ConfigError,
    DataConfig,
    DataError,
    FineTuneConfig,
    NotFittedError,
    SentimentFineTuner,
    find_label_issues,
)

IGNORE_NEAR = DataConfig(near_duplicates="ignore")
FLIPPED = (7, 30, 88)


@pytest.fixture(scope="module")
def rows() -> tuple[list[str], list[int]]:
    texts, labels = make_reviews(160)
    return texts, [1 - label if i in FLIPPED else label for i, label in enumerate(labels)]


def test_flipped_labels_come_first(rows: tuple[list[str], list[int]]) -> None:
    found = find_label_issues(rows, data_config=IGNORE_NEAR)
    assert found.rows == 160
    assert {suspect.row - 1 for suspect in found.issues[:3]} == set(FLIPPED)
    for suspect in found.issues:
        assert suspect.text == rows[0][suspect.row - 1]
        given = ("negative", "positive")[rows[1][suspect.row - 1]]
        assert (suspect.label, {suspect.label, suspect.suggested}) == (given, {"negative", "positive"})
        assert 0.5 < suspect.probability <= 1
    sure = [suspect.probability for suspect in found.issues]
    assert sure == sorted(sure, reverse=True)
    assert str(found).startswith(f"{len(sure)} rows of 160 suspected (")
    assert found.to_dict()["issues"][0]["row"] == found.issues[0].row


def test_nothing_is_suspected_where_nothing_is_wrong() -> None:
    found = find_label_issues(make_reviews(160), data_config=IGNORE_NEAR)
    assert found.issues == ()
    assert str(found).splitlines()[0].startswith("0 rows of 160 suspected (0.0 %)")


@pytest.mark.integration
def test_an_encoder_may_judge(rows: tuple[list[str], list[int]], tiny_config: FineTuneConfig) -> None:
    found = find_label_issues(rows, config=tiny_config, folds=2, data_config=IGNORE_NEAR)
    assert set(FLIPPED) <= {suspect.row - 1 for suspect in found.issues}
    assert found.model.endswith(", 2 folds")


@pytest.mark.integration
@pytest.mark.parametrize("validation", ["auto", "cross"])
def test_few_rows_are_held_out_in_turn_by_one_run(
    validation: Literal["auto", "cross"], rows: tuple[list[str], list[int]], tiny_model: Path
) -> None:
    config = FineTuneConfig(model_name=str(tiny_model), max_length=32, precision="fp32", method="probe")
    data_config = IGNORE_NEAR.replace(validation=validation)
    texts, labels = rows
    given = [" ", *texts], [0, *labels]
    tuner = SentimentFineTuner(data_config.replace(invalid_rows="drop"), config)
    with pytest.raises(NotFittedError, match="label issues"):
        tuner.label_issues()
    result = tuner.fit(given)
    found = tuner.label_issues()
    assert found.rows == 160
    assert found.undecided is None
    assert {issue.row - 2 for issue in found.issues[:3]} == set(FLIPPED)
    assert [issue.text for issue in found.issues] == [texts[issue.row - 2] for issue in found.issues]
    assert "(probe) with TF-IDF, 5 folds" in found.model
    assert result.label_issues == len(found.issues)
    said = " ".join(str(result).split())
    assert f"note: {len(found.issues)} of the 160 labels are probably wrong; SentimentFineTuner.label_issues" in said
    again = find_label_issues(given, data_config.replace(invalid_rows="drop"), config)
    assert {issue.row - 2 for issue in again.issues[:3]} == set(FLIPPED)
    assert again.model == found.model


def test_rows_that_were_not_held_out_in_turn(fitted: SentimentFineTuner) -> None:
    assert fitted._fitted
    assert fitted._fitted.result.label_issues is None
    with pytest.raises(DataError, match="were not held out in turn"):
        fitted.label_issues()


def test_labels_at_random_are_not_listed() -> None:
    texts, labels = make_reviews(160)
    noise = np.random.default_rng(0).permutation(labels)
    found = find_label_issues((texts, noise), data_config=IGNORE_NEAR)
    assert found.issues == ()
    assert found.undecided is not None
    assert "cannot tell which of 160 rows have a wrong label" in " ".join(str(found).split())
    assert "cannot tell" in found._repr_html_()


def test_rows_are_counted_as_the_source_counts_them(rows: tuple[list[str], list[int]]) -> None:
    texts, labels = rows
    names = ["spam" if label else "ham" for label in labels]
    frame = pd.DataFrame({"text": [" ", *texts], "label": ["ham", *names]})
    config = DataConfig(near_duplicates="ignore", positive_label="spam", invalid_rows="drop")
    found = find_label_issues(frame, data_config=config)
    assert found.rows == 160
    assert {suspect.row - 2 for suspect in found.issues[:3]} == set(FLIPPED)
    assert found.issues[0].label in ("ham", "spam")


def test_pairs_are_shown_in_two_lines(rows: tuple[list[str], list[int]]) -> None:
    frame = pd.DataFrame({"title": ["A film"] * 160, "body": rows[0], "label": rows[1]})
    config = DataConfig(near_duplicates="ignore", text_columns=("title", "body"))
    (first, *_) = find_label_issues(frame, data_config=config).issues
    assert first.text == f"A film\n{rows[0][first.row - 1]}"


@pytest.mark.parametrize("folds", [1, 0, -3])
def test_too_few_folds(rows: tuple[list[str], list[int]], folds: int) -> None:
    with pytest.raises(ConfigError, match="holds nothing out"):
        find_label_issues(rows, folds=folds)


def test_too_few_rows() -> None:
    with pytest.raises(DataError):
        find_label_issues((["good", "bad"], [1, 0]), data_config=IGNORE_NEAR)
