"""Covers results/base.py, results/inference.py, results/training.py.

Records print well, turn into JSON, and cannot be changed.
"""

import dataclasses
import inspect
import json
import re
from typing import Any

import pytest

from imdb_sentiment import results
from imdb_sentiment.results import (
    BaselineReport,
    EpochRecord,
    EvaluationReport,
    FineTuneResult,
    Interval,
    MethodResult,
    Prediction,
    SplitSummary,
)
from imdb_sentiment.results.comparison import flipped_warning
from made_results import make_calibration, make_comparison, make_report, make_result, make_summary


def test_a_prediction_turns_into_json() -> None:
    prediction = Prediction(label="spam", score=0.9, probabilities={"ham": 0.1, "spam": 0.9}, truncated=True)
    assert json.loads(json.dumps(prediction.to_dict())) == {
        "label": "spam",
        "score": 0.9,
        "probabilities": {"ham": 0.1, "spam": 0.9},
        "truncated": True,
        "abstained": False,
        "answered_by": "encoder",
    }


@pytest.mark.parametrize("record", [make_report(), make_report(roc_auc=None), make_summary(), make_result()])
def test_a_record_as_plain_types_equals_its_json_read_back(
    record: EvaluationReport | SplitSummary | FineTuneResult,
) -> None:
    plain = record.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    computed = set() if isinstance(record, SplitSummary) else {"warnings"}
    fields = {field.name for field in dataclasses.fields(record)} - {"measured", "curves", "background"}
    assert set(plain) == fields | computed


def test_the_plain_result_holds_the_whole_history() -> None:
    plain = make_result().to_dict()
    assert [epoch["validation"]["f1"] for epoch in plain["history"]] == [0.5, 0.875, 0.625]
    assert plain["splits"]["left_out"] == [{"split": "train", "reason": "text is blank", "rows": 1234}]


@pytest.mark.parametrize("kind", sorted(set(results.__all__) - {"METRICS", "record_to_dict"}))
def test_records_are_frozen_and_documented(kind: str) -> None:
    record = getattr(results, kind)
    assert record.__doc__
    if issubclass(record, tuple | list):
        return
    assert record.__dataclass_params__.frozen
    assert {parameter.kind for parameter in inspect.signature(record).parameters.values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }


def test_a_record_cannot_be_changed() -> None:
    report: Any = make_report()
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.accuracy = 1.0


def test_a_report_prints_every_number_under_its_name() -> None:
    assert str(make_report()).splitlines() == [
        "1,234 rows                  ",
        "accuracy              0.8000",
        "balanced accuracy     0.6500",
        "precision of spam     0.7000",
        "recall of spam        0.6000",
        "F1                    0.7500",
        "Matthews correlation  0.5500",
        "ROC-AUC               0.9000",
        "average precision     0.8500",
        "log loss              0.4568",
        "Brier score           0.1235",
        "calibration error     0.0346",
        "true \\ predicted  ham  spam",
        "ham               600    17",
        "spam              200   417",
    ]


def test_a_report_with_all_it_can_have_says_first_what_it_means_and_fits_a_terminal() -> None:
    interval = Interval(0.75, 0.85)
    report = dataclasses.replace(
        make_report(roc_auc=None),
        intervals={"accuracy": interval},
        baselines=(
            BaselineReport(name="majority label", report=make_report(), comparison=make_comparison(0.3, 1e-9)),
            BaselineReport(name="TF-IDF + LR", report=make_report(), comparison=make_comparison(0.004, 0.4123)),
        ),
    )
    lines = str(report).splitlines()
    assert lines[:5] == [
        "accuracy better than majority label: +30.0 points (+29.0 to +31.0, p < 0.001)",
        "accuracy NOT better than TF-IDF + LR: +0.4 points (-0.6 to +1.4, p = 0.412)",
        "1,234 rows            this model     95 % interval  majority label  TF-IDF + LR",
        "accuracy                  0.8000  0.7500 to 0.8500          0.8000       0.8000",
        "balanced accuracy         0.6500                            0.6500       0.6500",
    ]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("difference", "p_value", "said"),
    [
        (0.02, 0.0123, "the second is more accurate: +2.0 points (+1.0 to +3.0, p = 0.012)"),
        (-0.02, 0.0123, "the second is less accurate: -2.0 points (-3.0 to -1.0, p = 0.012)"),
        (0.02, 0.05, "no difference in accuracy beyond chance: +2.0 points (+1.0 to +3.0, p = 0.050)"),
    ],
)
def test_a_comparison_says_what_it_means(difference: float, p_value: float, said: str) -> None:
    comparison = make_comparison(difference, p_value)
    lines = str(comparison).splitlines()
    assert lines[0] == comparison.to_dict()["verdict"] == said
    assert lines[1] == "correct only in the first: 20 rows, only in the second: 40 rows, of 1,234"


def test_a_baseline_that_is_better_is_called_so() -> None:
    comparison = make_comparison(-0.02, 0.001)
    baseline = BaselineReport(name="TF-IDF + LR", report=make_report(), comparison=comparison)
    assert baseline.verdict.startswith("accuracy WORSE than TF-IDF + LR: -2.0 points")


def test_a_report_says_what_is_undefined() -> None:
    assert re.search("ROC-AUC +\N{EN DASH}", str(make_report(roc_auc=None)))
    assert re.search("average precision +\N{EN DASH}", str(make_report(average_precision=None)))


def test_a_calibration_says_what_it_changed() -> None:
    assert str(make_calibration()).splitlines() == [
        "calibrated on held-out rows: temperature 1.23, log loss 0.4568 before and 0.4568",
        "  after, calibration error 0.0346 before and 0.0346 after",
    ]
    chosen = make_calibration(threshold=0.61234, goal="precision>=0.95", reached=False)
    assert str(chosen).splitlines()[2] == (
        "threshold 0.6123 for precision>=0.95, not reached: precision 0.7000, recall 0.6000 on validation"
    )


def test_the_confusion_matrix_stays_aligned_under_long_names() -> None:
    report = dataclasses.replace(make_report(), labels=("not at all recommended", "very highly recommended"))
    table = str(report).splitlines()[-3:]
    assert len({len(line) for line in table}) == 1
    assert table[1].startswith("not at all recommended ")


def test_a_summary_prints_rows_per_split_and_class() -> None:
    assert str(make_summary()).splitlines() == [
        "split         ham   spam   rows",
        "train       1,600  1,400  3,000",
        "validation    160    140    300",
        "test            5      7     12",
        "left out of train: 1,234 rows, text is blank",
        "note: read as it stands",
    ]


def test_the_validation_report_is_that_after_calibration() -> None:
    result = make_result()
    assert result.validation is result.calibration.after


def test_a_result_prints_one_line_an_epoch_and_why_one_was_kept() -> None:
    lines = str(make_result()).splitlines()
    assert lines[0].split() == ["epoch", "train", "loss", "log", "loss", "calibrated", "accuracy", "F1"]
    assert [line.split() for line in lines[1:4]] == [
        ["1", "0.6000", "0.4568", "-", "0.8000", "0.5000"],  # of a checkpoint that does not record it
        ["2", "0.3000", "0.4568", "0.4100", "0.8000", "0.8750"],
        ["3", "0.2000", "0.4568", "0.4300", "0.8000", "0.6250"],
    ]
    assert lines[4] == "kept epoch 2 (best f1 on validation) after 61 s of training"
    assert lines[5:7] == str(make_calibration()).splitlines()
    assert lines[7:] == ["note: the head is new"]


def test_what_auto_came_to_is_told_before_the_kept_epoch() -> None:
    settled = {"num_train_epochs": 7, "learning_rate": 1e-4}
    result = dataclasses.replace(make_result(), settled=settled)
    assert str(result).splitlines()[4:6] == [
        "chosen for these rows: num_train_epochs 7, learning_rate 0.0001",
        "kept epoch 2 (best f1 on validation) after 61 s of training",
    ]
    assert result.to_dict()["settled"] == settled


def test_evaluations_within_an_epoch_are_told_by_their_part_of_it() -> None:
    records = tuple(
        EpochRecord(epoch=epoch, train_loss=0.5, validation=make_report(f1=f1))
        for epoch, f1 in ((1 / 3, 0.25), (2 / 3, 0.5), (1.0, 0.75))
    )
    result = dataclasses.replace(make_result(kept_epoch=0.66667), history=records)
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["0.3333", "0.6667", "1"]
    assert lines[4].startswith("kept epoch 0.6667 (")


def test_a_result_without_notes_prints_none() -> None:
    assert "note:" not in str(make_result(notes=()))


def test_labels_that_had_to_be_interpreted_are_probably_flipped_where_nearly_all_are_wrong() -> None:
    read_as = {"pos": "positive", "neg": "negative"}
    warning = str(flipped_warning(read_as, accuracy=0.1, rows=20, roc_auc=0.05))
    assert "probably flipped: 2 of 20 rows" in warning
    assert "'pos' was read as 'positive', 'neg' was read as 'negative'" in warning
    assert flipped_warning(read_as, accuracy=0.0, rows=8)


@pytest.mark.parametrize(
    ("read_as", "accuracy", "rows", "roc_auc"),
    [
        ({}, 0.0, 1000, 0.0),  # the model's own names: rows may be chosen because they are hard
        ({"pos": "positive"}, 0.4, 20, 0.4),  # chance explains it
        ({"pos": "positive"}, 0.0, 3, None),
        ({"pos": "positive"}, 0.5, 1000, 0.5),
        ({"pos": "positive"}, 0.2, 1000, 0.9),  # nearly all are called positive, for the sake of recall
    ],
)
def test_labels_are_not_called_flipped_without_evidence(
    read_as: dict[str, str], accuracy: float, rows: int, roc_auc: float | None
) -> None:
    assert flipped_warning(read_as, accuracy=accuracy, rows=rows, roc_auc=roc_auc) is None


def test_how_labels_were_read_is_kept_for_the_other_rows_too() -> None:
    report = dataclasses.replace(make_report(), unseen=make_report(rows=10))
    named = report.with_labels_read_as({"Spam": "spam"})
    assert named.unseen is not None
    assert named.labels_read_as == named.unseen.labels_read_as == {"Spam": "spam"}
    assert EvaluationReport.from_dict(json.loads(json.dumps(named.to_dict()))).labels_read_as == {"Spam": "spam"}


def measured_as(**changes: Any) -> EvaluationReport:
    return dataclasses.replace(make_report(), **changes)


def warned(report: EvaluationReport, **changes: Any) -> list[str]:
    after = dataclasses.replace(make_calibration(), after=report)
    return dataclasses.replace(make_result(), calibration=after, **changes).warnings()


def test_a_model_that_knows_one_label_is_warned_of() -> None:
    one_label = measured_as(confusion_matrix=((0, 30), (0, 30)), rows=60)
    (warning,) = [warning for warning in one_label.warnings() if "no better than the share" in warning]
    assert warning.startswith("the model predicts 'spam' for all 60 rows")
    assert warning in warned(one_label)
    assert "threshold" in warning
    few_missed = measured_as(confusion_matrix=((0, 2), (0, 58)), rows=60)
    assert few_missed.one_label_warning() is None
    assert measured_as(confusion_matrix=((0, 0), (0, 60)), rows=60).one_label_warning() is None


def test_few_rows_of_a_label_and_few_rows_held_out_are_warned_of() -> None:
    counts = {"train": {"ham": 100, "spam": 7}, "validation": {"ham": 1, "spam": 1}, "test": {"ham": 1, "spam": 1}}
    few = dataclasses.replace(make_summary(), rows=counts)
    report = measured_as(confusion_matrix=((30, 0), (0, 30)), rows=60, accuracy=1.0)
    first, second = warned(report, splits=few)
    assert first == "there are only 7 rows of 'spam' to train on; label at least 8, better 32"
    assert second.startswith("60 rows were held out, which determine the accuracy only to within 4%")
    many = measured_as(confusion_matrix=((90, 10), (10, 90)), rows=200, accuracy=0.9)
    assert warned(many, splits=dataclasses.replace(few, rows={**counts, "train": {"ham": 8, "spam": 8}})) == []


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({"contrastive": 0.5, "TF-IDF + LR": 0.6}, None),
        (
            {"contrastive": 0.5, "TF-IDF + LR": 0.5},
            "on held-out rows TF-IDF + LR is as good (log loss 0.500 against 0.500)",
        ),
        (
            {"contrastive": 0.66, "TF-IDF + LR": 0.9},
            "on held-out rows the model is no better than the share of the labels",
        ),
    ],
)
def test_a_model_that_a_simpler_one_equals_is_warned_of(losses: dict[str, float], expected: str | None) -> None:
    compared = tuple(
        MethodResult(method=method, log_loss=loss, standard_error=0.05, accuracy=0.8) for method, loss in losses.items()
    )
    report = measured_as(confusion_matrix=((90, 10), (10, 90)), rows=200, accuracy=0.9)
    warnings = warned(report, method="contrastive", compared=compared)
    assert [warning for warning in warnings if expected and warning.startswith(expected)] == warnings
    assert len(warnings) == (expected is not None)
