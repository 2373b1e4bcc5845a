"""Model card: README.md of a saved model."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_sentiment.evaluation.abstention import usual_promises
from imdb_sentiment.reporting.markdown import escape, markdown_table
from imdb_sentiment.results.abstention import abstention_rows
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.metrics import METRICS
from imdb_sentiment.runtime.messages import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imdb_sentiment.evaluation.held_out import HeldOutRows
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.results.abstention import Abstention, NoAbstention

__all__ = ["CARD_FILE", "model_card"]

CARD_FILE = "README.md"

_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")
_STOCK = """```python
from transformers import pipeline

classify = pipeline("text-classification", "PATH_OR_ID", truncation=True)
```

"""
_OURS = """```python
from imdb_sentiment import SentimentClassifier

classifier = SentimentClassifier.from_pretrained("PATH_OR_ID")
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
        EvalResult("text-classification", shown, shown, metric, test.value_of(metric), dataset_split="test")
        for metric in ([*METRICS, *test.custom_metrics] if test and not test.cross_validated else ())
        if test and test.value_of(metric) is not None
    ]
    data = ModelCardData(
        base_model=metadata.base_model if _ON_THE_HUB.fullmatch(metadata.base_model) else None,
        datasets=[source] if on_hub else None,
        eval_results=results or None,
        library_name="transformers",
        model_name=name,
        pipeline_tag="text-classification",
        tags=["imdb_sentiment", "text-classification"],
    )
    head = ["---", data.to_yaml(), "---", "", f"# {escape(name)}", ""]
    promises = usual_promises(held_out, threshold=metadata.calibration.threshold) if held_out else []
    return visible("\n".join([*head, *_body(metadata, test, promises, name), ""]))


def _cross_validation(metadata: "ModelMetadata") -> dict[str, Any] | None:
    """Return the report of a cross-validation; None if there is none."""
    held_out: dict[str, Any] | None = metadata.metrics["validation"]
    return held_out if held_out and held_out.get("cross_validated") else None


def _body(
    metadata: "ModelMetadata",
    test: EvaluationReport | None,
    promises: "Sequence[Abstention | NoAbstention]",
    name: str,
) -> list[str]:
    negative, positive = map(escape, metadata.labels)
    use = _OURS if metadata.export else _STOCK + _OURS  # a stock pipeline does not open a graph
    origin = f"It is a third-party model, {escape(metadata.base_model)}."
    if metadata.splits:
        rows = {split: f"{sum(by_label.values()):,}" for split, by_label in metadata.splits["rows"].items()}
        origin = f"Fine-tuned from {escape(metadata.base_model)} on {rows['train']} rows; " + (
            "the method and the calibration were chosen by cross-validation on them."
            if metadata.splits.get("folds")
            else f"the epoch and the calibration were chosen on {rows['validation']} validation rows."
        )
    threshold, policy = metadata.calibration.threshold, metadata.length_policy
    decision = f"A text is labelled {positive} if its probability is above {threshold:.4g}."
    if threshold != 0.5:
        decision += " A stock pipeline ignores this threshold, and returns the more probable label."
    metrics = ["The model was not evaluated on a test split before it was saved."]
    if test:
        corner = f"{test.rows:,} rows, cross-validated" if test.cross_validated else f"{test.rows:,} test rows"
        metrics = markdown_table(test.metric_rows(corner=corner))
        metrics += ["", f"{test.computed_in().capitalize()}{', before it was exported' if metadata.export else ''}."]
    whole = ", and all of a longer text in overlapping windows" if policy.long_texts == "windows" else ""
    return [
        f"Classifies texts as {negative} or {positive}. {origin}",
        "",
        *use.replace("PATH_OR_ID", name if _ON_THE_HUB.fullmatch(name) else "PATH_OR_ID").splitlines(),
        "",
        decision,
        f"It reads {policy.max_length} tokens{whole}; {escape(policy.stock_pipeline)}.",
        "",
        "## Metrics",
        "",
        *metrics,
        "",
        "They only apply to texts of the same kind as the evaluation data.",
        "",
        *([*_ABSTENTION, *markdown_table(abstention_rows(promises)), ""] if promises else []),
        "## Training",
        "",
        *markdown_table([["", ""], *([name, value] for name, value in metadata.background().provenance.items())]),
    ]
