"""Labels and scores for rows of files and batches, or the reason why a row has none."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from imdb_sentiment.data.arrow_strings import is_null, is_unicode
from imdb_sentiment.data.cleaning import clean
from imdb_sentiment.data.data_like import is_table
from imdb_sentiment.data.formats.arrow import with_columns
from imdb_sentiment.data.formats.columns import Added, check_columns, text_specs
from imdb_sentiment.data.frames import check_in_memory, list_texts
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.inference.cascade import CascadeScorer
from imdb_sentiment.inference.ensemble import EnsembleScorer
from imdb_sentiment.inference.inputs import Combination
from imdb_sentiment.inference.scorer import Advance, Scorer
from imdb_sentiment.models.device import Precision
from imdb_sentiment.results.inference import Prediction
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.messages import Advice, Setting, list_values, quote

__all__ = ["RowLabeler", "added_names", "check_names", "label_batch", "parse_text", "planned_precision", "score_batch"]


class RowLabeler(NamedTuple):
    """Labels rows with a model."""

    scorer: Scorer | CascadeScorer | EnsembleScorer
    labels: tuple[str, str]
    threshold: float

    abstain_below: tuple[float, float]
    """Probabilities below which the negative and the positive label are not given."""

    combination: Combination
    """The models that are used."""


def planned_precision(plan: Path) -> Precision | None:
    """Return the precision in an interrupted run's plan; None if there is no plan or no precision in it."""
    try:
        content = json.loads(plan.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    precision: Precision | None = content.get("precision") if isinstance(content, dict) else None
    return precision


def added_names(prefix: str) -> tuple[str, str, str]:
    """Return the names of the added columns."""
    return f"{prefix}label", f"{prefix}score", f"{prefix}reason"


def check_names(names: Sequence[str], columns: Sequence[str], origin: str) -> None:
    """Check that the columns to be added do not exist yet.

    Raises:
        ConfigError: One exists.
    """
    if taken := [name for name in names if name in columns]:
        raise ConfigError(
            f"{origin} already has a column {quote(taken[0])}",
            found=list_values(columns),
            hint=Advice(Setting("prefix", "predicted_")),
        )


def label_batch(
    items: Sequence[tuple[object, ...]],
    labeler: RowLabeler,
    names: tuple[str, str, str],
    *,
    advance: Advance | None = None,
) -> tuple[Added, int]:
    """Label rows, given as the values of their text columns.

    Args:
        items: The rows.
        labeler: The model.
        names: Names of the added columns.
        advance: Called with the number of rows of each finished batch; see `Scorer.score`.

    Returns:
        The columns of these names, and the number of labels by the TF-IDF model of a cascade.
    """
    parsed = [parse_text(item) for item in items]
    texts = [text for text, reason in parsed if reason is None]
    if advance:
        advance(len(parsed) - len(texts))
    scored = labeler.scorer.score(texts, advance=advance)
    predictions = scored.predictions(labeler.labels, threshold=labeler.threshold, abstain_below=labeler.abstain_below)
    waiting = iter(predictions)
    rows = [(None, None, reason) if reason else _row(next(waiting)) for _, reason in parsed]
    labels, scores, reasons = zip(*rows, strict=True) if rows else ((), (), ())
    by_words = sum(one.answered_by == "words" and not one.abstained for one in predictions)
    return Added(names, labels, scores, reasons), by_words


def _row(prediction: Prediction) -> tuple[str | None, float, str | None]:
    """Return label, score and reason; where the model abstains there is no label that could be taken for an answer."""
    if prediction.abstained:
        return None, prediction.score, f"abstained (perhaps {prediction.label})"
    return prediction.label, prediction.score, None


def parse_text(item: tuple[object, ...]) -> tuple[Any, str | None]:
    """Return the text or pair in the text columns of a row, or the reason why it cannot be classified."""
    parts = ["" if part is None else part for part in item]
    if not all(isinstance(part, str) for part in parts):
        return None, "not text"
    texts = [str(part) for part in parts]
    if not all(map(is_unicode, texts)):
        return None, "not valid Unicode"
    if not any(clean(text).strip() for text in texts):
        return None, "no text"
    return (texts[0] if len(texts) == 1 else tuple(texts)), None


def score_batch(batch: Any, text_columns: Sequence[str], prefix: str, labeler: RowLabeler) -> Any:
    """Return a batch or frame with columns for label, score and reason; see `SentimentClassifier.__call__`."""
    kind = _kind_of(batch)
    if kind in ("arrow", "arrays"):
        names = [*batch] if kind == "arrays" else batch.schema.names
    else:
        names = [str(name) for name in (batch.columns if hasattr(batch, "columns") else batch.column_names)]
    check_columns(names, text_specs(text_columns), "the batch")
    check_names(added_names(prefix), names, "the batch")
    if kind == "arrow":
        values = [batch.column(name).to_pylist() for name in text_columns]
    elif kind == "arrays":
        values = [list(batch[name]) for name in text_columns]
    else:
        # pandas has other nulls than None
        values = [[None if is_null(text) else text for text in column] for column in list_texts(batch, text_columns)]
    added, _ = label_batch(list(zip(*values, strict=True)), labeler, added_names(prefix))
    if kind == "arrow":
        return with_columns(batch, added)
    return {**batch, **_arrays(added)} if kind == "arrays" else _with_columns(batch, added)


def _kind_of(batch: Any) -> Literal["arrow", "arrays", "frame"]:
    """Return how a batch is read.

    Raises:
        DataError: It is a table of another library, or one that is not in memory.
        ConfigError: It is not a table.
    """
    if isinstance(batch, pa.Table | pa.RecordBatch):
        return "arrow"
    if is_table(batch):
        check_in_memory(batch)
        return "frame"
    if isinstance(batch, Mapping):
        return "arrays"
    texts = isinstance(batch, str) or (hasattr(batch, "__len__") and not isinstance(batch, type))
    raise ConfigError(
        f"unsupported type of batch: {type(batch).__module__}.{type(batch).__qualname__}",
        expected="a table of pandas, polars, Arrow or datasets, or a dictionary of NumPy arrays",
        hint="predict(texts), for texts without a table" if texts else "batch_format='pyarrow' of map_batches",
    )


def _with_columns(frame: Any, added: Added) -> Any:
    """Append the added columns to a frame of pandas, polars or datasets; the index of pandas stays."""
    library = type(frame).__module__.partition(".")[0]
    if library == "polars":
        return frame.hstack(type(frame)(dict(zip(added.names, added[1:], strict=True)), schema=_polars_schema(added)))
    if library == "datasets":
        return _with_dataset_columns(frame, added)
    return frame.assign(**_arrays(added))


def _with_dataset_columns(dataset: Any, added: Added) -> Any:
    """Append the columns to a `datasets.Dataset`, which keeps its format."""
    import datasets

    kinds = (datasets.Value("string"), datasets.Value("float32"), datasets.Value("string"))
    features = datasets.Features(dict(zip(added.names, kinds, strict=True)))
    columns = datasets.Dataset.from_dict(dict(zip(added.names, added[1:], strict=True)), features=features)
    with quiet():
        scored = datasets.concatenate_datasets([dataset, columns], axis=1)
    form = dataset.format
    shown = [*form["columns"], *added.names]
    return scored.with_format(
        form["type"], columns=shown, output_all_columns=form["output_all_columns"], **form["format_kwargs"]
    )


def _polars_schema(added: Added) -> dict[str, Any]:
    import polars as pl

    return dict(zip(added.names, (pl.String, pl.Float32, pl.String), strict=True))


def _arrays(added: Added) -> dict[str, Any]:
    dtypes = (np.object_, np.float32, np.object_)  # a missing score is NaN
    columns = zip(added.names, added[1:], dtypes, strict=True)
    return {name: np.array(values, dtype=dtype) for name, values, dtype in columns}
