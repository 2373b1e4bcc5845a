"""Covers results/evaluation.py, results/report_views.py, results/slices.py, results/metrics.py, results/verdict.py.

A report as Markdown, and what it comes to in sentences.
"""

from dataclasses import replace

from imdb_sentiment.reporting.markdown import markdown_table
from imdb_sentiment.results import Interval, SliceReport
from imdb_sentiment.results.background import ModelProvenance
from made_reports import LABELS, UNKIND, make_report


def test_markdown_has_the_figures_and_no_text_of_the_data() -> None:
    report = make_report()
    text = report.to_markdown()
    assert text.startswith("- Accuracy WORSE than TF-IDF + LR: ")
    assert f"\n- {sum(report.confusion_matrix[i][i] for i in (0, 1))} of 300 rows are predicted correctly" in text
    assert f"| accuracy | {report.accuracy:.4f} | " in text
    assert "## Confusion matrix" in text
    assert "film number" not in text
    assert "<script>" not in text
    assert "\\<spam\\>" in text


def test_cells_cannot_break_a_table() -> None:
    assert markdown_table([["a|b", "c"], ["line\nbreak", "*d*"]]) == [
        "| a\\|b | c |",
        "| --- | ---: |",
        "| line break | \\*d\\* |",
    ]


def test_the_verdict_names_what_a_reader_must_know() -> None:
    report = make_report()
    sentences = report.verdict()
    assert sentences[0].startswith("Accuracy WORSE than TF-IDF + LR: ")  # what is bad comes first
    assert "95 % interval" in sentences[1]
    assert any(sentence.startswith("Accuracy better than majority label") for sentence in sentences)
    assert any("probabilities" in sentence for sentence in sentences)
    careful = replace(report, seen_rows=20).verdict()
    assert careful[0].startswith("Careful: these are 20 of the 300 rows that the model was trained")


def test_a_slice_that_is_worse_beyond_chance_is_named() -> None:
    worse = SliceReport(
        grouping="length",
        name="cut",
        rows=50,
        positive_share=0.5,
        accuracy=0.6,
        precision=0.5,
        recall=0.7,
        f1=0.58,
        intervals={"accuracy": Interval(0.5, 0.7)},
        mean_confidence=0.9,
        p_value=0.001,
    )
    report = replace(make_report(), slices=(worse, replace(worse, name="fine", p_value=0.2)))
    named = [sentence for sentence in report.verdict() if sentence.startswith("Less accurate")]
    assert named == ["Less accurate where length is cut: 60.0% of 50 rows, beyond chance."]


def test_probabilities_that_chance_explains_are_said_to_be_right() -> None:
    report = make_report()
    assert report.intervals
    fine = replace(report, intervals={**report.intervals, "expected_calibration_error": Interval(0, 0.04)})
    assert "Its probabilities are calibrated, as far as these rows can tell." in fine.verdict()
    assert LABELS[1] not in " ".join(fine.verdict())
    assert UNKIND not in " ".join(fine.verdict())


def test_where_the_model_knows_some_rows_the_others_are_shown() -> None:
    unseen = make_report(60)
    report = replace(make_report(300), seen_rows=240, unseen=unseen)
    sentences = report.verdict()
    left_out = "240 more rows are left out: the model was trained or its best epoch chosen on them."
    assert [sentence for sentence in sentences if sentence != left_out] == unseen.verdict()
    assert left_out in sentences
    text = report.to_markdown()
    assert "On 60 rows, " in text
    assert "300" not in text
    assert f"| accuracy | {unseen.accuracy:.4f} | " in text


def test_the_verdict_repeats_what_was_doubtful_in_training() -> None:
    background = ModelProvenance({}, warnings=("60 rows were held out",))
    assert "When it was trained: 60 rows were held out." in replace(make_report(), background=background).verdict()
