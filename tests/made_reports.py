"""A report with everything, of texts that try to break out of a page."""

from dataclasses import replace

import numpy as np

from imdb_sentiment.data.labels import Labelled
from imdb_sentiment.evaluation.report import full_report
from imdb_sentiment.results import (
    BehaviourCheck,
    BehaviourExample,
    BehaviourReport,
    EvaluationReport,
    Explanation,
    Interval,
    LabelIssue,
    LabelIssues,
    MeasuredRows,
    WordContribution,
)
from imdb_sentiment.results.background import ModelProvenance

UNKIND = '<script>document.title = "taken over"</script> "quoted" & \'single\' <img src="https://example.com/x.png">'
LABELS = ("$ham_", "<spam>")


def make_report(rows: int = 300) -> EvaluationReport:
    """Make a report whose surest mistake is on an unkind text."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, rows)
    positive = 1 / (1 + np.exp(-(rng.normal(size=rows) + 1.5 * (2 * labels - 1))))
    positive[0], labels[0] = 0.999, 0
    texts = [f"{('dull', 'warm')[label]} film number {i}" for i, label in enumerate(labels)]
    texts[0] = UNKIND
    report = full_report(
        MeasuredRows(positive, labels, 0.5, texts),
        names=LABELS,
        groups={"length": ["cut" if i % 3 else "5-9 tokens" for i in range(rows)], UNKIND: ["a"] * rows},
        train=Labelled(texts[: rows // 2], labels[: rows // 2].tolist()),
    )
    word = WordContribution(word="<script>document.title", start=0, end=22, part=0, score=1.5)
    explanation = Explanation(
        texts=(UNKIND,),
        labels=LABELS,
        label=LABELS[1],
        score=0.999,
        words=(word,),
        completeness_error=0.01,
        steps=32,
    )
    background = ModelProvenance(
        provenance={"encoder": UNKIND, "training rows": "150"},
        history=[
            {"epoch": 1.0, "train_loss": 0.6, "validation": {"log_loss": 0.5}},
            {"epoch": 2.0, "train_loss": 0.3, "validation": {"log_loss": 0.4}},
        ],
        audit={
            "findings": [
                {"severity": "info", "code": "overlap_near_train_test", "split": "train", "count": 1},
                {"severity": "warning", "code": "text_blank", "split": "train", "count": 3},
            ]
        },
        explanations={1: explanation},
    )
    return replace(report, background=background, behaviour=make_behaviour())


def make_behaviour() -> BehaviourReport:
    """Make a check in which the model fails with an unkind text, and one in which it does not fail."""
    example = BehaviourExample(
        text=f"{UNKIND}<br />was good",
        changed=f"{UNKIND}<br />was godo",
        label=LABELS[1],
        changed_label=LABELS[0],
        scores=(0.9, 0.2),
    )
    failing = BehaviourCheck(
        name="misspelled word",
        expected="same",
        cases=30,
        failures=12,
        interval=Interval(0.23, 0.59),
        examples=(example,),
    )
    sound = replace(failing, name="upper case", failures=0, interval=Interval(0, 0.12), examples=())
    missing = ("praise, blame and their denial, which are only tried for sentiment",)
    return BehaviourReport(labels=LABELS, texts=30, language="en", not_checked=missing, checks=(sound, failing))


def make_label_issues() -> LabelIssues:
    """Make a list of one row with an unkind text."""
    suspect = LabelIssue(row=7, label=LABELS[0], suggested=LABELS[1], probability=0.98, text=UNKIND)
    return LabelIssues(rows=150, model="TF-IDF", accuracy=0.9, issues=(suspect,), notes=())
