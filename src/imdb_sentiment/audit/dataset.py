"""The complete audit of a data set."""

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from imdb_sentiment.audit.characters import find_characters, has_ftfy
from imdb_sentiment.audit.duplicates import find_conflicts, find_duplicates, find_overlaps
from imdb_sentiment.audit.finding_codes import find, find_whole, say_rows
from imdb_sentiment.audit.labels import Classes, inspect_labels, inspect_order
from imdb_sentiment.audit.sampling import smallest_digests
from imdb_sentiment.audit.shortcuts import find_shortcuts
from imdb_sentiment.audit.tokens import measure_tokens
from imdb_sentiment.config import DataConfig, FineTuneConfig, source_of
from imdb_sentiment.data.data_like import DataLike, DataSplits
from imdb_sentiment.data.inspection import InspectedRows, inspect_rows
from imdb_sentiment.data.near_duplicates import require_rensa
from imdb_sentiment.data.raw_rows import RawData
from imdb_sentiment.data.sources import load_source
from imdb_sentiment.errors import count_rows
from imdb_sentiment.results.audit import DataAudit, Finding, Severity, TokenLengths

if TYPE_CHECKING:
    from imdb_sentiment.models.tokenization import TextEncoder

__all__ = ["audit_dataset", "audit_rows"]

_SPLITS = ("train", "validation", "test")
_SAMPLE_ROWS = 100_000
_SHORTEST = 8
_INVALID = {
    "text is null": ("text_null", "no text"),
    "text is blank": ("text_blank", "a text with nothing to read"),
    "text is not a string": ("text_not_string", "something other than text"),
    "label is null": ("label_null", "no label"),
}


def audit_dataset(
    data: "DataLike | None" = None, data_config: DataConfig | None = None, *, model_name: str | None = None
) -> DataAudit:
    """Audit a data set before training on it.

    Nothing is changed. Invalid rows do not raise errors: what training would reject becomes a finding.

    Args:
        data: A path, a hub data set or a mapping of paths, as for `DataConfig.source`; a DataFrame, a
            `datasets.Dataset` or `DatasetDict`, a list of dictionaries, a mapping from split names to such tables, or a
            pair `(texts, labels)`; `DataSplits`; or a `DataConfig`. By default `data_config.source`.
        data_config: Names the columns and the labels.
        model_name: Model whose tokens are counted, as in `FineTuneConfig.model_name`; by default none.

    Raises:
        DataError: The source is missing, cannot be read, or lacks a column.
        ConfigError: `data_config` is not a `DataConfig`, or both arguments are one.
        ModelError: The model cannot be used.
        HubUnavailableError: Something is on the hub, and the hub did not answer.
        MissingExtraError: The extra `audit`, which near-duplicate detection needs, is not installed.

    Example:
        ```python
        audit = audit_dataset("reviews.csv", model_name="minilm")
        print(audit)
        ```
    """
    from imdb_sentiment.models.pretrained import load_encoder

    given, config = source_of(data, data_config)
    if isinstance(given, DataSplits):
        config, given = (
            _describe_splits(given, config),
            # out-of-fold validation leaves the other splits empty
            {name: rows for name in _SPLITS if len(rows := getattr(given, name)) or not given.folds},
        )
    if config.near_duplicates == "group":
        require_rensa()  # before the source is read, which may take long
    encoder = None
    if model_name is not None:
        # the smallest max_length, since text lengths are measured here
        fine_tune = FineTuneConfig(model_name=model_name, max_length=_SHORTEST)
        encoder = load_encoder(fine_tune, pairs=config.text_columns is not None).text_encoder
    raw = load_source(config, given)
    return audit_rows(
        raw, inspect_rows(raw.splits, config, check=False), config, encoder=encoder, model_name=model_name
    )


def audit_rows(
    raw: RawData,
    inspected: InspectedRows,
    config: DataConfig,
    *,
    encoder: "TextEncoder | None" = None,
    model_name: str | None = None,
) -> DataAudit:
    """Audit inspected rows.

    Args:
        raw: The raw rows.
        inspected: The same rows, inspected with the same configuration.
        config: Names the columns and the labels.
        encoder: Counts tokens; None to skip that.
        model_name: Name of the encoder's model.

    Raises:
        MissingExtraError: The extra `audit` is not installed, and `near_duplicates` is not `ignore`.
    """
    parts = {split: inspected.parts[split] for split in _SPLITS if split in inspected.parts}
    inspected = inspected._replace(parts=parts)
    notes = list(raw.notes)
    if config.near_duplicates == "ignore":
        notes.append("near duplicates were not searched for: near_duplicates is 'ignore'")
    # ignoring near duplicates lets the audit run without the extra
    mojibake = has_ftfy() or config.near_duplicates == "group"
    if not mojibake:
        notes.append("wrong encodings were not searched for: that needs pip install 'imdb-sentiment[audit]'")
    classes = inspect_labels(inspected, config, raw.origin)
    findings = [
        *_find_invalid(raw, inspected, config),
        *classes.findings,
        *inspect_order(classes),
        *find_duplicates(inspected.parts),
        *find_overlaps(inspected.parts, config.group_column),
        *find_conflicts(inspected.parts, classes.of_rows),
        *find_characters(raw.splits, mojibake=mojibake),
    ]
    tokens, closely, more = _run_checks(inspected, classes, encoder, model_name)
    return DataAudit(
        origin=raw.origin,
        splits=classes.counts,
        findings=_in_order([*findings, *closely]),
        tokens=tokens,
        notes=(*notes, *more),
    )


def _run_checks(
    inspected: InspectedRows, classes: Classes, encoder: "TextEncoder | None", model_name: str | None
) -> tuple[TokenLengths | None, list[Finding], list[str]]:
    """Count tokens and search for label leaks, in a sample of large data; also return notes."""
    labelled = {
        split: replace(rows, labels=classes.of_rows[split]) for split, rows in inspected.parts.items() if len(rows)
    }
    parts = smallest_digests(labelled, _SAMPLE_ROWS)
    rows = sum(map(len, labelled.values()))
    looked_at = sum(map(len, parts.values()))
    notes = []
    if looked_at < rows:
        chosen = f"{looked_at:,} of {count_rows(rows)}, chosen by a hash of the text"
        notes.append(f"tokens were counted, and label leaks searched for, in {chosen}")
    tokens: TokenLengths | None = None
    findings: list[Finding] = []
    if encoder is not None and parts:
        tokens, findings = measure_tokens(parts, encoder, model_name or "the model")
    if classes.names:
        findings += find_shortcuts(parts, classes.names)
    return tokens, findings, notes


def _find_invalid(raw: RawData, inspected: InspectedRows, config: DataConfig) -> list[Finding]:
    severity: Severity = "error" if config.invalid_rows == "error" else "warning"
    findings = []
    for split, invalid in inspected.invalid.items():
        for reason, numbers in invalid.items():
            code, what = _INVALID[reason]
            summary = f"{say_rows(len(numbers), split, 'has', 'have')} {what}"
            findings.append(replace(find(code, raw.splits[split], split, numbers, summary), severity=severity))
        if not len(inspected.parts[split]):
            rows = len(raw.splits[split])
            summary = f"{split} has no rows that can be used" if rows else f"{split} has no rows"
            findings.append(find_whole("no_usable_rows", split, rows, summary))
    return findings


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    severities = get_args(Severity)
    return tuple(
        sorted(findings, key=lambda found: (severities.index(found.severity), found.code, _SPLITS.index(found.split)))
    )


def _describe_splits(splits: DataSplits, config: DataConfig) -> DataConfig:
    """Return the configuration that reads the data sets of `splits`."""
    rows = splits.train
    names = getattr(rows.features["label"], "names", None)
    return config.replace(
        text_column="text",
        text_columns=("text", "text_pair") if "text_pair" in rows.column_names else None,
        label_column="label",
        group_column=None,
        slice_columns=(),
        negative_label=names[0] if names else None,
        positive_label=names[1] if names else None,
    )
