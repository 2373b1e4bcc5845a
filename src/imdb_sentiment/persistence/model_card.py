"""Model card: README.md of a saved model."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.evaluation.abstention import usual_promises
from imdb_sentiment.reporting.markdown import escape, markdown_table
from imdb_sentiment.results.abstention import abstention_rows
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metric_tables import digits_for
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.results.verdict import conclusions_of
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imdb_sentiment.evaluation.held_out import HeldOutRows
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.results.abstention import Abstention, NoAbstention
    from imdb_sentiment.results.behaviour import BehaviourReport

__all__ = ["CARD_FILE", "model_card"]

CARD_FILE = "README.md"

_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_HUB_IDS = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
_LANGUAGES = {"en": "English", "pt": "Portuguese"}
_STOCK = """```python
from transformers import pipeline

classify = pipeline("text-classification", "PATH_OR_ID", truncation=True)
```

"""
_OURS = """```python
from imdb_sentiment import SentimentClassifier

classifier = SentimentClassifier.from_pretrained("PATH_OR_ID")
print(classifier.predict(EXAMPLE))
```

```bash
imdb-sentiment predict PATH_OR_ID SHELL_EXAMPLE
```"""
_ABSTENTION = [
    "## Abstention",
    "",
    "If the model leaves out what it is least sure of, it may promise that at most a certain share of its answers is "
    'wrong: `predict(texts, abstain="error<=0.05")`. Each promise holds with 95 % confidence, for texts of the same '
    "kind as the rows that were held out in training.",
    "",
]


def model_card(metadata: "ModelMetadata", held_out: "HeldOutRows | None" = None, *, name: str) -> str:
    """Return the card of a model of this name or id, with test metrics as the hub reads them. It quotes no texts."""
    from huggingface_hub import EvalResult, ModelCardData

    source: Any = metadata.data_config.get("source")
    on_hub = isinstance(source, str) and bool(_ON_THE_HUB.fullmatch(source)) and not Path(source).exists()
    measured = metadata.metrics["test"] or _cross_validation(metadata)
    full = EvaluationReport.from_dict(measured) if measured else None
    test = full and (full.unseen or full)
    shown = source if on_hub else "own data"
    results = [
        EvalResult("text-classification", shown, shown, metric, round(value, 4), dataset_split="test")
        for metric in ([*METRICS, *test.custom_metrics] if test and not test.cross_validated else ())
        if test and (value := test.value_of(metric)) is not None
    ]
    base_model = _HUB_IDS.get(metadata.base_model, metadata.base_model)
    language = full.behaviour.language if full and full.behaviour else None
    data = ModelCardData(
        base_model=base_model if _ON_THE_HUB.fullmatch(base_model) else None,
        datasets=[source] if on_hub else None,
        eval_results=results or None,
        language=language,
        library_name="transformers",
        license="unknown",  # the owner's choice; the text of the card says so
        model_name=name,
        pipeline_tag="text-classification",
        tags=["imdb_sentiment", "text-classification"],
    )
    head = ["---", data.to_yaml(), "---", "", f"# {escape(name)}", ""]
    promises = usual_promises(held_out, threshold=metadata.calibration.threshold) if held_out else []
    return visible("\n".join([*head, *_body(metadata, full, promises, name), ""]))


def _cross_validation(metadata: "ModelMetadata") -> dict[str, Any] | None:
    """Return the report of a cross-validation; None if there is none."""
    held_out: dict[str, Any] | None = metadata.metrics["validation"]
    return held_out if held_out and held_out.get("cross_validated") else None


def _body(
    metadata: "ModelMetadata",
    full: EvaluationReport | None,
    promises: "Sequence[Abstention | NoAbstention]",
    name: str,
) -> list[str]:
    test = full and (full.unseen or full)
    negative, positive = map(escape, metadata.labels)
    origin = f"It is a third-party model, {escape(metadata.base_model)}."
    if metadata.splits:
        rows = {split: f"{sum(by_label.values()):,}" for split, by_label in metadata.splits["rows"].items()}
        origin = f"Fine-tuned from {escape(metadata.base_model)} on {rows['train']} rows; " + (
            "the method and the calibration were chosen by cross-validation on them."
            if metadata.splits.get("folds")
            else f"the epoch and the calibration were chosen on {rows['validation']} validation rows."
        )
    metrics = ["The model was not evaluated on a test split before it was saved."]
    if test:
        corner = f"{test.rows:,} rows, cross-validated" if test.cross_validated else f"{test.rows:,} test rows"
        metrics = markdown_table(test.metric_rows(corner=corner, digits=digits_for(test.rows)))
        metrics += ["", f"{test.computed_in().capitalize()}{', before it was exported' if metadata.export else ''}."]
    return [
        f"Classifies texts as {negative} or {positive}. {origin}",
        "",
        *([f"- {escape(one.sentence)}" for one in conclusions_of(full)] if full else []),
        *(f"- When it was trained: {escape(warning)}." for warning in metadata.warnings),
        "",
        "## Use",
        "",
        *_use(metadata, name),
        "",
        "## Intended use and limits",
        "",
        *_limits(metadata, full),
        "",
        "## Metrics",
        "",
        *metrics,
        "",
        "They only apply to texts of the same kind as the evaluation data.",
        "",
        *(_behaviour(full.behaviour, exported=bool(metadata.export)) if full and full.behaviour else []),
        *([*_ABSTENTION, *markdown_table(abstention_rows(promises)), ""] if promises else []),
        "## Training",
        "",
        *markdown_table([["", ""], *([name, value] for name, value in metadata.background().provenance.items())]),
    ]


def _use(metadata: "ModelMetadata", name: str) -> list[str]:
    use = _OURS if metadata.export else _STOCK + _OURS  # a stock pipeline does not open a graph
    python, shell = '"Your text."', "'Your text.'"
    if len(metadata.text_columns) > 1:
        python, shell = '[("First text.", "Second text.")]', "$'First text.\\tSecond text.'"
    where = name if _ON_THE_HUB.fullmatch(name) else "PATH_OR_ID"
    return use.replace("SHELL_EXAMPLE", shell).replace("EXAMPLE", python).replace("PATH_OR_ID", where).splitlines()


def _limits(metadata: "ModelMetadata", full: EvaluationReport | None) -> list[str]:
    positive, threshold, policy = (
        escape(metadata.labels.positive),
        metadata.calibration.threshold,
        metadata.length_policy,
    )
    decision = f"A text is labelled {positive} if its probability is above {threshold:.4g}."
    if threshold != 0.5:
        decision += " A stock pipeline ignores this threshold, and returns the more probable label."
    whole = ", and all of a longer text in overlapping windows" if policy.long_texts == "windows" else ""
    language = full.behaviour.language if full and full.behaviour else None
    texts = f"in {_LANGUAGES[language]}, " if language in _LANGUAGES else ""
    return [
        f"- It is meant for texts {texts}like those that it was trained on. On texts of another kind, source, time or "
        "language it was not measured; check it there before you use it.",
        "- Some of its answers are wrong, at the rates below. Let a person decide where an error harms someone.",
        f"- {decision}",
        f"- It reads {policy.max_length} tokens{whole}; {escape(policy.stock_pipeline)}.",
        f"- License: not stated. Those of the base model, {escape(metadata.base_model)}, and of the training data "
        "apply. Whoever publishes the model should set `license` at the top of this file.",
    ]


def _behaviour(behaviour: "BehaviourReport", *, exported: bool) -> list[str]:
    lines = ["## Behaviour", ""]
    if behaviour.checks:
        before = ", before it was exported" if exported else ""
        lines += [f"What the model does if a text is changed{before}: the share of the cases in which it fails.", ""]
        rows = [[check, *rest] for check, _, *rest in behaviour.rows_of_text()]
        lines += [*markdown_table(rows), ""]
    lines += [f"- {escape(sentence)}" for sentence in behaviour.conclusions()]
    return [*lines, ""]
