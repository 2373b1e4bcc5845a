"""Covers reporting/fragment.py, reporting/tables.py, results/metric_tables.py, results/splits.py.

Results in a notebook: short as text, tables as HTML that no text of the data breaks, and frames of pandas.
"""

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment import ConfigError, DataConfig, DataError, FineTuneConfig, audit_dataset, results
from imdb_sentiment.reporting.fragment import Fragment, render_fragment
from imdb_sentiment.reporting.tables import Table, render_table
from imdb_sentiment.results import (
    CrossValidationReport,
    EvaluationReport,
    ExportReport,
    FileReport,
    FoldResult,
    Forecast,
    Interval,
    LabelIssues,
    LearningCurve,
    LearningPoint,
    MeasuredRows,
    MethodResult,
    Prediction,
    Predictions,
    SearchReport,
    TokenLengths,
    TrialResult,
)
from imdb_sentiment.results.base import Record
from imdb_sentiment.results.metrics import METRICS
from made_reports import LABELS, UNKIND, make_label_issues, make_report
from made_results import make_comparison, make_result, make_summary

INTERVAL = Interval(0.7, 0.9)
VOID = {"br", "img", "hr", "input", "meta", "link"}


def make_predictions(count: int = 30) -> Predictions:
    shares = {LABELS[0]: 0.08765, LABELS[1]: 0.91235}
    return Predictions(
        Prediction(label=LABELS[1], score=0.91235, probabilities=shares, truncated=i == 3) for i in range(count)
    )


def make_curve() -> LearningCurve:
    points = [LearningPoint(rows=n, accuracy=0.8, interval=INTERVAL, log_loss=0.4, seconds=3.2) for n in (100, 200)]
    now, doubled = (Forecast(rows=rows, accuracy=0.85, interval=INTERVAL) for rows in (300, 600))
    return LearningCurve(
        points=tuple(points),
        now=now,
        doubled=doubled,
        gain=0.02,
        gain_interval=Interval(0.01, 0.03),
        held_out=99,
        folds=5,
        notes=(UNKIND,),
    )


def make_folds() -> CrossValidationReport:
    folds = [
        FoldResult(fold=fold, train_rows=100, kept_epoch=2, kept_because="last", seconds=9.0, report=make_report(60))
        for fold in (1, 2)
    ]
    return CrossValidationReport(
        folds=tuple(folds), mean={"accuracy": 0.8, "f1": 0.7}, standard_deviation={"accuracy": 0.01, "f1": 0.02}
    )


def make_audit() -> results.DataAudit:
    texts = ["Loved <script>alert(1)</script> it", "Hated it", "Loved it", "Hated it", " ", "good", "bad"] * 4
    labels = [LABELS[i % 2] for i in range(28)]
    config = DataConfig(near_duplicates="ignore", positive_label=LABELS[1])
    audit = audit_dataset((texts, labels), config)
    tokens = TokenLengths(model=UNKIND, rows=28, mean=4, median=4, longest=9, truncated={"128": 0.0}, unknown=0.0)
    return replace(audit, tokens=tokens)


TRIALS = (
    TrialResult(number=1, state="failed", settings={"learning_rate": 1.0, "model_name": UNKIND}, reason=UNKIND),
    TrialResult(number=2, state="finished", settings={"learning_rate": 3e-5, "model_name": "minilm"}, value=0.4),
)
SEARCH = SearchReport(
    metric="log_loss",
    trials=TRIALS,
    best=2,
    best_config=FineTuneConfig(),
    held_out=88,
    cross_validated=False,
    best_value=0.4,
    corrected_value=0.42,
    corrected_interval=Interval(0.3, 0.5),
    test=make_report(60),
    model=UNKIND,
    notes=(UNKIND,),
)
REPORT = make_report()
assert REPORT.background


def make_behaviour() -> results.BehaviourReport:
    example = results.BehaviourExample(
        text=UNKIND, changed=UNKIND, label="ham", changed_label="spam", scores=(0.125, 0.875)
    )
    check = results.BehaviourCheck(
        name="upper case", expected="same", cases=8, failures=1, interval=Interval(0.01, 0.5), examples=(example,)
    )
    return results.BehaviourReport(labels=("ham", "spam"), texts=8, language="en", checks=(check,))


RECORDS: list[Any] = [
    REPORT,
    replace(REPORT, seen_rows=240, unseen=make_report(60)),
    EvaluationReport.from_dict(make_report(60).to_dict()),
    REPORT.slices[0],
    REPORT.baselines[0],
    REPORT.background.explanations[1],
    REPORT.background.explanations[1].words[0],
    make_audit(),
    *make_audit().findings,
    make_result(),
    replace(make_result(), audit=make_audit(), splits=replace(make_summary(), notes=(UNKIND,))),
    make_result().history[0],
    make_result().calibration,
    make_summary(),
    make_comparison(0.03, 0.01),
    make_folds(),
    make_folds().folds[0],
    make_curve(),
    make_curve().points[0],
    make_label_issues(),
    make_label_issues().issues[0],
    replace(make_label_issues(), issues=()),
    make_behaviour(),
    make_behaviour().checks[0],
    make_behaviour().checks[0].examples[0],
    results.Abstention(
        promise="error<=0.05",
        probability=0.9,
        confidence=0.95,
        coverage=0.5,
        held_out_rows=300,
        answered_rows=150,
        errors=2,
        error_bound=0.041,
    ),
    make_predictions(),
    make_predictions()[0],
    Predictions(),
    SEARCH,
    SEARCH.trials[0],
    FileReport(
        rows=9, labels={UNKIND: 9}, not_scored={}, answered_by_words=None, scored_before=0, notes=(UNKIND, "more")
    ),
    ExportReport(
        format="onnx",
        quantize=None,
        runtime="openvino",
        texts=100,
        same_labels=1.0,
        largest_difference=0.01,
        accuracy=(0.8, 0.81),
        megabytes=(100.0, 25.0),
    ),
]


class Elements(HTMLParser):
    """The elements of a piece of HTML, which must be closed in order, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.text += data


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_result_shows_in_a_notebook_and_no_text_of_the_data_becomes_markup(record: Any) -> None:
    shown = Elements(record._repr_html_())
    allowed = {"div", "style", "p", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert set(shown.seen) <= allowed | {"details", "summary", "mark"}
    assert shown.seen.count("style") == 1
    assert not [name for name, _ in shown.attributes if name.startswith("on") or name in ("src", "href")]
    assert shown.text.strip()
    assert "object at 0x" not in shown.text


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_result_is_short_as_text(record: Any) -> None:
    text = repr(record)
    assert len(text) < 1_500
    assert "\n" not in text
    assert text.startswith("[" if isinstance(record, Predictions) else f"{type(record).__name__}(")


def test_every_record_has_these_views() -> None:
    for name in results.__all__:
        kind = getattr(results, name)
        assert issubclass(kind, Record | Predictions | tuple), name
        assert not issubclass(kind, Record) or kind.__repr__ is Record.__repr__, name


def test_a_repr_leaves_defaults_out_and_shortens_what_is_long() -> None:
    prediction = Prediction(label="spam", score=0.98765432, probabilities={"ham": 0.01234568}, truncated=False)
    assert repr(prediction) == (
        "Prediction(label='spam', score=0.987654, probabilities={'ham': 0.0123457}, truncated=False)"
    )
    issues = make_label_issues()
    many = LabelIssues(rows=150, model="TF-IDF", accuracy=0.9, issues=issues.issues * 4, notes=("x" * 200,))
    long = f"'{'x' * 51}...{'x' * 24}'"
    assert repr(many) == (
        "LabelIssues(rows=150, model='TF-IDF', accuracy=0.9, issues=(LabelIssue(...), LabelIssue(...), "
        f"LabelIssue(...), ... 4 in all), notes=({long},))"
    )
    assert repr(MeasuredRows(np.zeros(3), np.zeros(3, dtype=np.int64))) == "<MeasuredRows: 3 rows>"
    assert repr(make_predictions(12)).endswith(", truncated=False), ... 12 in all]")


def test_a_report_shows_verdict_metrics_slices_and_errors() -> None:
    text = Elements(REPORT._repr_html_()).text
    for sentence in REPORT.verdict():
        assert sentence in text
    assert f"{REPORT.accuracy:.4f}" in text
    assert "True labels down, predicted labels across" in text
    assert UNKIND in text


def test_an_audit_shows_each_finding_with_what_to_do() -> None:
    audit = make_audit()
    text = Elements(audit._repr_html_()).text
    assert audit.findings
    for finding in audit.findings:
        assert finding.code in text
        assert finding.summary in text
        assert finding.advice in text


def test_a_long_table_ends_with_a_count() -> None:
    rows = [["text", "score"], *([f"text {i}", str(i)] for i in range(1, 1_300))]
    shown = Elements(render_fragment(Fragment("Scores", tables=[Table("Scores", rows)])))
    assert shown.seen.count("tr") == 21
    assert "text 20" in shown.text
    assert "text 21" not in shown.text
    assert "and 1,279 more rows" in shown.text
    whole = Elements(render_fragment(Fragment("Scores", tables=[Table("Scores", rows[:21])])))
    assert "more row" not in whole.text


def test_a_table_tells_what_its_cells_are_about() -> None:
    shown = render_table(Table("Rows & labels", [["split", "ham"], ["train", "7"]]))
    assert shown.splitlines() == [
        '<div class="scroll" role="region" tabindex="0" aria-label="Rows &amp; labels">',
        "<table>",
        "<caption>Rows &amp; labels</caption>",
        '<thead><tr><th scope="col">split</th><th scope="col">ham</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row">train</th><td>7</td></tr>',
        "</tbody>",
        "</table>",
        "</div>",
    ]


@given(st.text(), st.text(), st.text(min_size=1))
def test_any_text_comes_out_as_it_went_in(cell: str, caption: str, name: str) -> None:
    table = Table(caption, [["a", "b"], [cell, cell * 3]])
    shown = Elements(render_fragment(Fragment(name, [cell], tables=[table])))
    assert "script" not in shown.seen
    assert shown.seen.count("td") == 1
    if all(text.isprintable() for text in (cell, caption)):
        assert cell in shown.text
        assert caption in shown.text


def test_metrics_are_a_frame_beside_their_intervals_and_baselines() -> None:
    frame = REPORT.to_frame()
    assert list(frame.index) == list(METRICS)
    assert list(frame.columns) == ["value", "low", "high", "majority label", "TF-IDF + LR"]
    assert frame.loc["f1", "value"] == REPORT.f1
    assert frame.loc["roc_auc", "majority label"] == 0.5
    assert REPORT.intervals
    assert frame.loc["accuracy", "low"] == REPORT.intervals["accuracy"].low
    bare = EvaluationReport.from_dict(REPORT.to_dict() | {"intervals": None, "roc_auc": None}).to_frame()
    assert bare[["low", "high"]].isna().all(axis=None)
    assert np.isnan(bare.loc["roc_auc", "value"])


def test_slices_and_rows_of_a_report_are_frames() -> None:
    slices = REPORT.to_frame("slices")
    assert len(slices) == len(REPORT.slices)
    assert slices.loc[0, "accuracy_low"] == REPORT.slices[0].intervals["accuracy"].low
    rows = REPORT.to_frame("rows")
    assert list(rows.columns) == ["row", "text", "label", "predicted", "probability", "correct"]
    assert rows.loc[0, "text"] == UNKIND
    assert rows["correct"].mean() == pytest.approx(REPORT.accuracy)
    assert rows.loc[0, ["label", "predicted"]].tolist() == list(LABELS)
    seen = replace(REPORT, seen_rows=240, unseen=make_report(60))
    assert len(seen.to_frame("rows")) == 60
    pairs = REPORT.require_rows()._replace(texts=[("title", "body")] * 300)
    assert list(replace(REPORT, measured=pairs).to_frame("rows").columns)[1:3] == ["text", "text_pair"]
    assert REPORT.to_frame("slices").columns.equals(replace(REPORT, slices=()).to_frame("slices").columns)


def test_a_frame_that_is_not_there_is_told() -> None:
    wrong: Any = "slice"
    with pytest.raises(ConfigError, match="no frame of 'slice'\n  expected: metrics, slices or rows"):
        REPORT.to_frame(wrong)
    with pytest.raises(DataError, match="without the rows they came from"):
        EvaluationReport.from_dict(REPORT.to_dict()).to_frame("rows")


def test_other_tables_are_frames() -> None:
    issues = make_label_issues()
    assert issues.to_frame().to_dict("records") == [issues.issues[0].to_dict()]
    empty = replace(issues, issues=()).to_frame()
    assert list(empty.columns) == list(issues.to_frame().columns)
    assert make_curve().to_frame()["high"].tolist() == [0.9, 0.9]
    assert make_folds().to_frame()[["fold", "rows"]].to_numpy().tolist() == [[1, 60], [2, 60]]
    assert make_audit().to_frame()["code"].tolist() == [finding.code for finding in make_audit().findings]
    assert make_comparison(0.03, 0.01).to_frame().loc["accuracy"].tolist() == pytest.approx([0.03, 0.02, 0.04])
    assert make_summary().to_frame().loc["test"].tolist() == [5, 7]
    assert REPORT.background
    assert REPORT.background.explanations[1].to_frame()["score"].tolist() == [1.5]


def test_a_run_is_a_frame_of_its_evaluations_or_methods() -> None:
    frame = make_result().to_frame()
    assert frame["epoch"].tolist() == [1, 2, 3]
    assert frame["kept"].tolist() == [False, True, False]
    assert frame["f1"].tolist() == [0.5, 0.875, 0.625]
    assert frame["calibrated_log_loss"].isna().tolist() == [True, False, False]
    compared = (MethodResult(method="probe", log_loss=0.4, standard_error=0.01, accuracy=0.9),)
    few = replace(make_result(), history=(), compared=compared).to_frame()
    assert few.to_dict("records") == [compared[0].to_dict()]


def test_predictions_are_a_list_that_makes_a_frame() -> None:
    predictions = make_predictions(3)
    assert predictions == list(predictions)
    frame = predictions.to_frame()
    assert frame["label"].tolist() == [LABELS[1]] * 3
    assert frame[f"probability_{LABELS[0]}"].tolist() == [0.08765] * 3
    assert list(Predictions().to_frame().columns) == ["label", "score", "truncated", "abstained", "answered_by"]
    assert isinstance(frame, pd.DataFrame)
