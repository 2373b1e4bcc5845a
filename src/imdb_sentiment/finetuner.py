"""SentimentFineTuner: runs the steps in order, and does none of them itself."""

import time
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imdb_sentiment.config import DataConfig, FineTuneConfig
from imdb_sentiment.data.seen import SeenRows
from imdb_sentiment.data.splits import DataSplits, LoadedSplits, given_splits, load_splits
from imdb_sentiment.encoding import TextEncoder, texts_of
from imdb_sentiment.errors import NotFittedError, OutputExistsError
from imdb_sentiment.results import EvaluationReport, FineTuneResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel, TrainerState

    from imdb_sentiment.findings import DataAudit
    from imdb_sentiment.training.best_epoch import BestEpochMetric

__all__ = ["SentimentFineTuner"]


class _Fitted(NamedTuple):
    model: "PreTrainedModel"
    encoder: TextEncoder
    result: FineTuneResult
    seen: SeenRows


class SentimentFineTuner:
    """Fine-tunes a pretrained encoder on labelled texts, measures it on rows it never saw, and saves it.

    With no arguments it is the task of the tutorial: `bert-base-uncased` on IMDb.

    Args:
        data_config: Where the data come from and how they are split.
        config: How the model learns.
        output_dir: Folder for the checkpoints of the run, one after each epoch. The finished model goes where `save`
            is told.
    """

    def __init__(
        self,
        data_config: DataConfig | None = None,
        config: FineTuneConfig | None = None,
        *,
        output_dir: str | PathLike[str] = "results",
    ) -> None:
        self.data_config = data_config or DataConfig()
        self.config = config or FineTuneConfig()
        self.output_dir = Path(output_dir)
        self._loaded: LoadedSplits | None = None
        self._audit: DataAudit | None = None
        self._rows_given = False
        self._fitted: _Fitted | None = None
        self._test: EvaluationReport | None = None

    @property
    def splits(self) -> DataSplits:
        """The rows to learn from, to choose on and to measure on; loaded at the first use.

        Raises:
            DataError: The source cannot be used as it is.
            HubUnavailableError: The source is on the hub, and the hub did not answer.
        """
        return self._load().splits

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and of the positive label."""
        return self._load().names

    def audit(self) -> "DataAudit | None":
        """Look at the data before training on them; `fit` does so too.

        Returns:
            What `audit_dataset` finds, with the lengths in tokens of this model; None if `fit` was given `DataSplits`,
            whose source is not known.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            HubUnavailableError: Something is on the hub, and the hub did not answer.
        """
        from imdb_sentiment.pretrained import load_encoder

        if self._audit is None and self._load().source is not None:
            self._look(load_encoder(self.config, pairs=self.data_config.text_columns is not None).text_encoder)
        return self._audit

    def fit(self, data: object = None, *, resume: bool = False) -> FineTuneResult:
        """Fine-tune the model, evaluating it on the validation split after each epoch.

        Args:
            data: A DataFrame, a `datasets.Dataset` or `DatasetDict`, a mapping from split names to such tables, a pair
                `(texts, labels)`, or `DataSplits`, which are taken as they are. By default, what `data_config.source`
                names.
            resume: Go on from the newest complete checkpoint in `output_dir`, if there is one.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            ConfigError: The configuration does not fit the encoder, or the checkpoint is of another run.
            OutputExistsError: `output_dir` is not empty and `resume` is false.
            HubUnavailableError: Something is on the hub, and the hub did not answer.
        """
        from imdb_sentiment.pretrained import load_encoder, load_model
        from imdb_sentiment.training.best_epoch import choose_metric
        from imdb_sentiment.training.checkpoints import check_same_run, newest_checkpoint
        from imdb_sentiment.training.trainer import EncodedRows, build_trainer
        from imdb_sentiment.upstream import quiet

        checkpoint = newest_checkpoint(self.output_dir) if resume else None
        if not resume:
            self._check_output_dir()
        encoder = load_encoder(self.config, pairs=self.data_config.text_columns is not None)
        if data is not None or self._rows_given:  # rows given to an earlier fit are not those of the source
            self._take(data)
        splits, names = self.splits, self._load().names
        self._fitted = self._test = None  # what was fitted before must not be measured on these splits
        run = self._describe_run()
        if checkpoint:
            check_same_run(checkpoint, run)
        self._look(encoder.text_encoder)  # before anything is learnt
        model, head_note = load_model(encoder, self.config, names)
        train, validation = (
            EncodedRows(encoder.text_encoder.encode(texts_of(rows)), rows["label"])
            for rows in (splits.train, splits.validation)
        )
        metric = choose_metric(self.config.metric_for_best_model, splits.summary.rows["train"])
        started = time.perf_counter()
        with quiet():
            trainer = build_trainer(
                model,
                encoder.text_encoder,
                self.config,
                train=train,
                validation=validation,
                names=names,
                metric=metric,
                output_dir=self.output_dir,
                run=run,
            )
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        seconds = time.perf_counter() - started
        notes = (head_note, *([f"went on from {checkpoint}"] if checkpoint else []))
        result = self._describe_result(trainer.state, metric, seconds, notes)
        self._fitted = _Fitted(model, encoder.text_encoder, result, SeenRows.of(splits.train, splits.validation))
        return result

    def evaluate(self) -> EvaluationReport:
        """Measure the fitted model on the test split. Do this once, at the end, and choose nothing by it.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        from imdb_sentiment.evaluation.metrics import measure_with_seen
        from imdb_sentiment.scoring.torch_scorer import score_texts

        fitted = self._require_fitted("evaluate")
        rows = self.splits.test
        batch_size = self.config.per_device_eval_batch_size
        texts = texts_of(rows)
        scores = score_texts(fitted.model, fitted.encoder, texts, batch_size=batch_size)
        known = fitted.seen.known(texts)  # none, unless test_overlap is "keep"
        self._test = measure_with_seen(scores.probabilities, rows["label"], known, names=self.labels)
        return self._test

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Save the fitted model as a standard Hugging Face folder with `imdb_sentiment.json` beside the weights.

        The folder is written aside and renamed, so that it is whole whenever the process is killed.

        Args:
            path: Folder to write.
            overwrite: Replace a model that this library saved there before. Nothing else is ever overwritten.

        Returns:
            The folder.

        Raises:
            NotFittedError: `fit` has not been called.
            OutputExistsError: The folder is not empty.
        """
        from imdb_sentiment.artifact import (
            Artifact,
            ModelMetadata,
            describe_cleaning,
            describe_length,
            library_versions,
            save_artifact,
        )

        fitted = self._require_fitted("save")
        result = fitted.result
        metadata = ModelMetadata(
            labels=self._load().names,
            text_columns=self.data_config.columns_of_text,
            base_model=self.config.model_name,
            cleaning=describe_cleaning(self.config.clean_text),
            length_policy=describe_length(fitted.encoder),
            data_config=self.data_config.model_dump(mode="json") | ({"source": None} if self._rows_given else {}),
            fine_tune_config=self.config.model_dump(mode="json"),
            data_fingerprint=result.splits.fingerprint,
            splits=result.splits.to_dict(),
            audit=result.audit.summary_dict() if result.audit else None,
            metrics={
                "validation": result.validation.to_dict(),
                "test": self._test.to_dict() if self._test else None,
            },
            seed=self.config.seed,
            versions=library_versions(),
        )
        artifact = Artifact(fitted.model, fitted.encoder, metadata, fitted.seen)
        save_artifact(Path(path), artifact, overwrite=overwrite)
        return Path(path)

    def _load(self) -> LoadedSplits:
        if self._loaded is None:
            self._loaded = load_splits(self.data_config)
        return self._loaded

    def _take(self, data: object) -> None:
        """Put rows that were given in the place of those of the source; or the source's again, for None."""
        if isinstance(data, DataSplits):
            self._loaded = given_splits(data)
        else:
            self._loaded = load_splits(self.data_config, data)
        self._audit = None
        self._rows_given = data is not None

    def _look(self, encoder: TextEncoder) -> None:
        """Audit the data, unless that was done before or their source is not known."""
        from imdb_sentiment.audit.dataset import audit_rows

        source = self._load().source
        if self._audit is None and source is not None:
            name = self.config.model_name
            self._audit = audit_rows(*source, self.data_config, encoder=encoder, model_name=name)

    def _describe_run(self) -> dict[str, object]:
        """What decides how a run ends: a checkpoint of another run cannot be gone on from."""
        splits, names = self.splits, self._load().names
        run = self.config.model_dump(mode="json", exclude={"per_device_eval_batch_size"})
        return run | {"labels": list(names), "data_fingerprint": splits.summary.fingerprint}

    def _require_fitted(self, what: str) -> _Fitted:
        if self._fitted is None:
            raise NotFittedError(f"there is no fitted model to {what}", hint="call fit() first")
        return self._fitted

    def _check_output_dir(self) -> None:
        if self.output_dir.exists() and (not self.output_dir.is_dir() or any(self.output_dir.iterdir())):
            raise OutputExistsError(
                f"{self.output_dir} is not empty, and was left as it is",
                expected="a new or empty folder for the checkpoints of this run",
                hint="fit(resume=True) to go on with the run in it, or another output_dir",
            )

    def _describe_result(
        self, state: "TrainerState", metric: "BestEpochMetric", seconds: float, notes: tuple[str, ...]
    ) -> FineTuneResult:
        from imdb_sentiment.training.trainer import read_history

        kept, because = self.config.num_train_epochs, "the last"
        if self.config.load_best_model_at_end and state.best_model_checkpoint and state.best_global_step:
            kept, because = round(state.best_global_step * kept / state.max_steps), metric.reason
        return FineTuneResult(
            history=read_history(state.log_history, self._load().names),
            kept_epoch=kept,
            kept_because=because,
            seconds=seconds,
            splits=self.splits.summary,
            audit=self._audit,
            notes=notes,
        )
