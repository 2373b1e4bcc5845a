"""The plan of a run: by which methods, on which encoded rows, and what it must have in common to be resumed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.config import NON_TRAINING_FIELDS, SettledConfig
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.models.tokenization import LongTexts, TextEncoder, labelled_texts, texts_of
from imdb_sentiment.results.splits import SplitSummary
from imdb_sentiment.runtime.distributed import world_size
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.training.batching import EncodedRows, TrainingRows
from imdb_sentiment.training.checkpoints import check_same_run, resume_point
from imdb_sentiment.training.fold_trainer import FewRows
from imdb_sentiment.training.hooks import NO_HOOKS, Hooks
from imdb_sentiment.training.recipe import CONTRASTIVE, FINE_TUNE, PROBE, few_rows_below, settle, settled_fields
from imdb_sentiment.training.unlabelled import UnlabelledTexts

if TYPE_CHECKING:
    from datasets import Dataset

    from imdb_sentiment.config import FineTuneConfig
    from imdb_sentiment.data.data_like import DataSplits
    from imdb_sentiment.models.pretrained import Encoder
    from imdb_sentiment.results.audit import DataAudit

__all__ = ["Plan", "describe_run", "encode_rows", "uses_few_rows"]

_TRIED_TEXTS = 2000
_MANY_LONG = 0.1
"""Share of texts above `max_length` from which on reading all of them is worth its time."""


class Plan(NamedTuple):
    """What rank 0 decides before training, and sends to all ranks."""

    config: SettledConfig

    settled: dict[str, float]
    """Values of the fields that were `auto`."""

    rows: TrainingRows | FewRows
    names: LabelNames
    summary: SplitSummary
    audit: "DataAudit | None"

    run: dict[str, object]
    """Description of the run, as JSON values."""

    folder: Path
    """Folder of the run."""

    long_texts: LongTexts
    """How long texts are scored."""

    resume_point: Path | None
    """The checkpoint to resume from, or the file of the last finished fold."""

    unlabelled: UnlabelledTexts | None = None

    @classmethod
    def of(
        cls,
        config: "FineTuneConfig",
        splits: "DataSplits",
        encoder: "Encoder",
        names: LabelNames,
        folder: Path,
        *,
        resume: bool,
        audit: "Callable[[], DataAudit | None]",
        hooks: Hooks = NO_HOOKS,
        unlabelled: UnlabelledTexts | None = None,
    ) -> Self:
        """Settle the configuration, check that a run in the folder is the same, and encode the rows.

        Args:
            config: Fine-tuning configuration.
            splits: The rows.
            encoder: The pretrained encoder.
            names: Names of the labels.
            folder: Folder of the run.
            resume: Resume what is in the folder.
            audit: Audits the data; called once the run is known to be possible.
            hooks: The user's metrics, callbacks and loss.
            unlabelled: Texts without labels to learn from.

        Raises:
            ConfigError: The folder holds another run, an option does not go with so few rows, or a metric fails.
        """
        settled = settle(config, train_rows=len(splits.train), hidden_size=encoder.config.hidden_size)
        run = describe_run(settled, splits, names, hooks)
        if unlabelled:
            run["unlabelled"] = unlabelled.fingerprint
        few = uses_few_rows(config, splits, hooks)
        hooks.try_metrics(np.array((splits.train if splits.folds else splits.validation)["label"]))
        point = resume_point(folder) if resume else None
        if point:
            check_same_run(point, run)
        audited = audit()  # before anything is trained
        text_encoder = encoder.text_encoder.reading(_how_to_read(config, splits, encoder.text_encoder))
        rows = encode_rows(splits, text_encoder, settled, few=few)
        if unlabelled and isinstance(rows, FewRows):
            rows = rows._replace(unlabelled=unlabelled.texts)
        return cls(
            config=settled,
            settled=settled_fields(config, settled),
            rows=rows,
            long_texts=text_encoder.long_texts,
            names=names,
            summary=splits.summary,
            audit=audited,
            run=run,
            folder=folder,
            resume_point=point,
            unlabelled=unlabelled,
        )


def uses_few_rows(config: "FineTuneConfig", splits: "DataSplits", hooks: Hooks) -> bool:
    """Return whether methods are compared on held-out rows, as for few rows, instead of fine-tuning right away.

    Callbacks are those of one training, and of a series of them only one would be meant.

    Raises:
        ConfigError: An option that they do not support was set.
    """
    named = config.method in (CONTRASTIVE, PROBE)
    few = bool(splits.folds) or named or len(splits.train) < few_rows_below(config, needs_trainer=hooks.needs_trainer)
    compares = config.method != FINE_TUNE
    other = {
        f"lora_rank={config.lora_rank}": config.lora_rank is not None and compares,
        "loss": hooks.loss is not None and compares,
        "callbacks": bool(hooks.callbacks),
        "several processes": world_size() > 1,
    }
    if few and any(other.values()):
        what = f"method={config.method!r}" if named else "validation='cross'"
        instead = (
            Setting("method", "fine_tune", "FineTuneConfig") if named else Setting("validation", "split", "DataConfig")
        )
        raise ConfigError(
            f"{what} does not go with {next(name for name, given in other.items() if given)}", hint=Advice(instead)
        )
    return few


def _how_to_read(config: "FineTuneConfig", splits: "DataSplits", encoder: TextEncoder) -> LongTexts:
    """Return how long texts are read.

    Raises:
        ConfigError: Pairs are to be read in windows.
    """
    if "text_pair" in splits.train.column_names:
        if config.long_texts == "windows":
            raise ConfigError(
                "long_texts='windows' does not go with two text columns",
                hint=Advice(Setting("long_texts", "truncate", "FineTuneConfig")),
            )
        return "truncate"
    if config.long_texts != "auto":
        return config.long_texts
    texts = texts_of(splits.train)
    read = encoder.encode(texts[:: -(-len(texts) // _TRIED_TEXTS)], description=None)
    return "windows" if sum(text.truncated for text in read) > _MANY_LONG * len(read) else "truncate"


def describe_run(config: SettledConfig, splits: "DataSplits", names: LabelNames, hooks: Hooks) -> dict[str, object]:
    """Return what decides how a run ends, as JSON values: a run cannot be resumed from a checkpoint of another."""
    of_a_step = {"per_device_train_batch_size", "gradient_accumulation_steps"}
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
    return (
        config.model_dump(mode="json", exclude=NON_TRAINING_FIELDS | of_a_step)
        | hooks.describe()
        | {
            "rows_per_step": batch * world_size(),
            "labels": list(names),
            "data_fingerprint": splits.summary.fingerprint,
        }
    )


def encode_rows(
    splits: "DataSplits", encoder: TextEncoder, config: SettledConfig, *, few: bool
) -> TrainingRows | FewRows:
    """Encode the rows to train and validate on, as the method takes them."""
    limits = config.epoch_max_lengths
    train, held_out = labelled_texts(splits.train), labelled_texts(splits.validation)
    if few:
        texts, labels = [*train.texts, *held_out.texts], [*train.labels, *held_out.labels]
        weights = np.concatenate([_weights(splits.train), np.ones(len(held_out.labels))])
        fold_of = np.array(splits.folds or [-1] * len(splits.train) + [0] * len(splits.validation))
        whole, short = (
            EncodedRows.of(encoder.cut_at(limit).encode(texts), labels, weights)
            for limit in (config.max_length, limits[0])
        )
        windows = encoder.inputs(texts) if encoder.long_texts == "windows" else None
        return FewRows(texts, whole, short, windows, fold_of)
    weights = _weights(splits.train)
    encoded = {
        limit: EncodedRows.of(encoder.cut_at(limit).encode(train.texts), train.labels, weights) for limit in set(limits)
    }
    validation = EncodedRows.of(encoder.encode(held_out.texts), held_out.labels)
    return TrainingRows(tuple(encoded[limit] for limit in limits), validation)


def _weights(rows: "Dataset") -> NDArray[np.float64]:
    """Return the weights of training rows, of mean 1, shape (n,)."""
    weights: NDArray[np.float64] = np.array(rows["weight"] if "weight" in rows.column_names else [1.0] * len(rows))
    weights /= weights.mean()
    return weights
