"""SentimentFineTuner: runs the steps in order, and does none of them itself."""

import time
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Never

import numpy as np

from imdb_sentiment.config import (
    NON_TRAINING_FIELDS,
    DataConfig,
    FineTuneConfig,
    SettledConfig,
    given_config,
    source_of,
)
from imdb_sentiment.config.other_names import suggest_setting
from imdb_sentiment.data.data_like import DataLike, DataSplits
from imdb_sentiment.data.fingerprints import TrainingFingerprints
from imdb_sentiment.data.labels import Labelled, LabelNames
from imdb_sentiment.data.splits import LoadedSplits, given_splits, load_splits
from imdb_sentiment.errors import ConfigError, DataError, NotFittedError, OutputExistsError
from imdb_sentiment.models.head import scale_outputs
from imdb_sentiment.models.tokenization import TextEncoder, texts_of
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.training import Calibration, CascadeChoice, FineTuneResult, SplitSummary
from imdb_sentiment.runtime.distributed import run_on_all_ranks, run_on_main, warn_of_idle_gpus, world_size
from imdb_sentiment.runtime.files import LOCK_FILE, as_path
from imdb_sentiment.runtime.messages import Advice, Setting, quote

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

    from imdb_sentiment.evaluation.baseline import HeldOutBaselines
    from imdb_sentiment.inference.cascade import Cascade
    from imdb_sentiment.inference.scorer import Scores
    from imdb_sentiment.models.pretrained import Encoder
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.persistence.torch_model import Artifact
    from imdb_sentiment.results.audit import DataAudit
    from imdb_sentiment.training.batching import TrainingRows
    from imdb_sentiment.training.few_rows import FewRows
    from imdb_sentiment.training.run import TrainedModel

__all__ = ["SentimentFineTuner"]


class _Prepared(NamedTuple):
    """What the main process hands to all before training."""

    config: SettledConfig
    rows: "TrainingRows | FewRows"
    names: LabelNames
    summary: SplitSummary
    audit: "DataAudit | None"
    run: dict[str, object]
    resume_point: Path | None
    """The checkpoint to resume from, or the file of the last finished fold."""


class _Fitted(NamedTuple):
    model: "PreTrainedModel"
    encoder: TextEncoder
    result: FineTuneResult
    cascade: "Cascade | None" = None
    held_out: "Scores | None" = None
    """Out-of-fold scores of the training rows, in their order; None if there are no folds."""

    baselines: "HeldOutBaselines | None" = None
    """Out-of-fold baselines on the same rows."""


class SentimentFineTuner:
    """Fine-tunes a pretrained encoder on labelled texts, measures it on held-out rows, and saves it.

    Without arguments it does the task of the tutorial: `bert-base-uncased` on IMDb.

    Args:
        data_config: Where the data come from and how they are split.
        config: How the model is trained.
        output_dir: Folder for the checkpoints of the run, one after each epoch. `save` writes the finished model.

    Raises:
        ConfigError: An argument has another type; the message says how to pass it.
    """

    def __init__(
        self,
        data_config: DataConfig | None = None,
        config: FineTuneConfig | None = None,
        *,
        output_dir: str | PathLike[str] = "results",
        **unknown: Never,
    ) -> None:
        if unknown:
            raise _no_argument(next(iter(unknown)))
        self.data_config = given_config(data_config, DataConfig)
        self.config = given_config(config, FineTuneConfig)
        self.output_dir = as_path(output_dir, "output_dir")
        self._read_config = self.data_config
        self._loaded: LoadedSplits | None = None
        self._audit: DataAudit | None = None
        self._rows_given = False
        self._fitted: _Fitted | None = None
        self._test: EvaluationReport | None = None

    @property
    def splits(self) -> DataSplits:
        """The training, validation and test rows; loaded at the first use.

        Raises:
            DataError: The source cannot be used.
            HubUnavailableError: The source is on the hub, and the hub did not answer.
        """
        return self._load().splits

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and of the positive label."""
        return self._load().names

    def audit(self) -> "DataAudit | None":
        """Audit the data before training; `fit` does so too.

        Returns:
            The findings of `audit_dataset`, with text lengths in tokens of this model; None if `fit` was given
            `DataSplits`, whose source is unknown.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            HubUnavailableError: Something is on the hub, and the hub did not answer.
        """
        from imdb_sentiment.models.pretrained import load_encoder

        if self._audit is None and self._load().source is not None:
            self._look(load_encoder(self.config, pairs=self.data_config.text_columns is not None).text_encoder)
        return self._audit

    def fit(self, data: "DataLike | None" = None, *more: Never, resume: bool = False) -> FineTuneResult:
        """Fine-tune the model, evaluating it on the validation split and saving a checkpoint at the end of each epoch.

        Ctrl-C or SIGTERM, once, ends the run after the step under way and saves it; twice, ends it at once. Of several
        processes that a launcher started, the main one reads, looks and writes, and all return the same result.

        Of several threads, one trains at a time and the others wait, since a run seeds the random numbers of its
        process. They are put back afterwards.

        Args:
            data: A path, a hub data set or a mapping of paths, as `DataConfig.source` takes them; a DataFrame, a
                `datasets.Dataset` or `DatasetDict`, a list of dictionaries, a mapping from split names to such tables,
                or a pair `(texts, labels)`; or `DataSplits`, which are taken as they are. By default, what
                `data_config.source` names.
            *more: Nothing: texts and labels are one pair.
            resume: Go on from the newest complete checkpoint in `output_dir`, if there is one. The run ends as it would
                have ended without the break.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            ConfigError: The configuration does not fit the encoder, the checkpoint is of another run, or `data` is a
                configuration.
            OutputExistsError: `output_dir` is not empty and `resume` is false, or it holds checkpoints of another
                program, or another run is writing to it.
            HubUnavailableError: Something is on the hub, and the hub did not answer.
            DiskFullError: The checkpoints do not fit on the disk.
            TrainingDivergedError: A loss or a gradient is not a number any more.
            TrainingInterruptedError: A signal ended the run; it can be resumed.
            MissingExtraError: The package of a tracker that `report_to` names is not installed.
        """
        from imdb_sentiment.models.pretrained import load_encoder
        from imdb_sentiment.training.seeding import isolated_random_state
        from imdb_sentiment.training.trackers import check_trackers

        if not isinstance(self, SentimentFineTuner):
            raise ConfigError("fit was called on the class", hint="SentimentFineTuner(...).fit(data)")
        if more:
            raise DataError("fit takes texts and labels as one pair", hint="fit((texts, labels))")
        source_of(data, self.data_config)  # report a mistake before anything is loaded
        check_trackers(self.config.report_to)
        warn_of_idle_gpus()
        self._fitted = self._test = None  # what was fitted before must not be measured on these splits
        with ExitStack() as held:
            encoder = run_on_all_ranks(
                lambda: load_encoder(self.config, pairs=self.data_config.text_columns is not None)
            )
            prepared = run_on_main(lambda: self._prepare(data, encoder, held, resume=resume))
            with isolated_random_state():
                self._fitted = self._train(prepared, encoder)
        return self._fitted.result

    def evaluate(self, *, full: bool = True) -> EvaluationReport:
        """Measure the fitted model on the test split. Do this once, at the end, and choose nothing by it.

        Where there is none, since the rows were too few to set some aside (`DataConfig.test_fraction`), the report is
        that of the cross-validation in `fit`: each row was scored by a model that was trained without it.

        The report has each metric with its 95 % interval; the majority label and TF-IDF with logistic regression,
        fitted to the same training rows, for comparison; and slices by length, confidence and
        `DataConfig.slice_columns`.

        Args:
            full: False for the metrics alone, without intervals and baselines, which take seconds.

        Returns:
            The report; `cross_validated` tells whether it is of the training rows, held out in turn.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        fitted = self._require_fitted("evaluate")
        self._test = run_on_main(lambda: self._measure(fitted, full=full))
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
        fitted = self._require_fitted("save")
        folder = as_path(path, "path")
        run_on_main(lambda: self._write(fitted, folder, overwrite=overwrite))
        return folder

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Model of imdb_sentiment",
    ) -> str:
        """Send the fitted model to the Hugging Face hub; see `SentimentClassifier.push_to_hub`.

        Raises:
            NotFittedError: `fit` has not been called.
            ConfigError: The hub does not let it be written there.
            HubUnavailableError: The hub did not answer.
        """
        from imdb_sentiment.persistence.hub import push_artifact

        fitted = self._require_fitted("push_to_hub")
        return run_on_main(
            lambda: push_artifact(self._artifact(fitted), repo_id, private=private, token=token, message=commit_message)
        )

    def _write(self, fitted: _Fitted, path: Path, *, overwrite: bool) -> None:
        from imdb_sentiment.persistence.torch_model import save_artifact

        save_artifact(path, self._artifact(fitted), overwrite=overwrite)

    def _artifact(self, fitted: _Fitted) -> "Artifact":
        from imdb_sentiment.persistence.torch_model import Artifact

        seen = TrainingFingerprints.of(self.splits.train, self.splits.validation)
        return Artifact(fitted.model, fitted.encoder, self._describe(fitted), seen, fitted.cascade)

    def _describe(self, fitted: _Fitted) -> "ModelMetadata":
        """Say how the fitted model was made, and what is known of it by now."""
        from imdb_sentiment.persistence.metadata import describe

        metadata = describe(
            fitted.result,
            self._test,
            fitted.encoder,
            labels=self._load().names,
            data_config=self._read_config,
            config=self.config,
        )
        unnamed = metadata.data_config | {"source": None}
        return metadata.model_copy(update={"data_config": unnamed}) if self._rows_given else metadata

    def _measure(self, fitted: _Fitted, *, full: bool) -> EvaluationReport:
        from imdb_sentiment.data.slices import slices_of_split
        from imdb_sentiment.evaluation.report import full_report, metrics_of, with_provenance
        from imdb_sentiment.inference.measured_rows import measured_rows, slices_of
        from imdb_sentiment.inference.torch_backend import score_texts

        splits = self.splits
        in_turn = fitted.held_out if not len(splits.test) else None
        rows = splits.train if in_turn else splits.test
        texts = texts_of(rows)
        # in fp32, or a saved model would come to others
        scores = in_turn or score_texts(fitted.model, fitted.encoder, texts)
        measured = measured_rows(scores, texts, rows["label"], fitted.result.calibration)
        # none, unless test_overlap is "keep"
        known = (
            [False] * len(rows) if in_turn else TrainingFingerprints.of(splits.train, splits.validation).known(texts)
        )
        if full:
            report = full_report(
                measured,
                names=self.labels,
                seen=known,
                groups=slices_of(scores, measured) | slices_of_split(rows),
                train=None if in_turn else _labelled(splits.train),
                validation=_labelled(splits.validation) if len(splits.validation) else None,
                held_out=fitted.baselines,
            )
        else:
            report = replace(metrics_of(measured, names=self.labels), seen_rows=sum(known))
        report = replace(report, cross_validated=in_turn is not None)
        return with_provenance(report, self._describe(fitted).background(), numeric_precision="fp32")

    def _prepare(self, data: object, encoder: "Encoder", held: ExitStack, *, resume: bool) -> _Prepared:
        """Do all that comes before learning: read the data, look at them, encode them, and claim the folder.

        Args:
            data: As for `fit`.
            encoder: The pretrained encoder.
            held: Keeps the folder claimed until it is closed.
            resume: As for `fit`.
        """
        from imdb_sentiment.training.checkpoints import check_same_run, resume_point
        from imdb_sentiment.training.recipe import settle
        from imdb_sentiment.training.run_folder import locked

        if not resume:
            self._check_output_dir()
        held.enter_context(locked(self.output_dir))
        if not resume:
            self._check_output_dir()  # another run may have ended there just before
        # rows given to an earlier fit are not those of the source
        if data is not None or self._rows_given or self._read_config != self.data_config:
            self._take(data)
        config = settle(self.config, train_rows=len(self.splits.train), hidden_size=encoder.config.hidden_size)
        run = self._describe_run(config)
        few = self._has_few_rows(config)
        point = resume_point(self.output_dir) if resume else None
        if point:
            check_same_run(point, run)
        text_encoder = encoder.text_encoder
        self._look(text_encoder)  # before anything is trained
        rows = self._few_rows(text_encoder, config) if few else self._encode(text_encoder, config.epoch_max_lengths)
        return _Prepared(config, rows, self._load().names, self.splits.summary, self._audit, run, point)

    def _has_few_rows(self, config: SettledConfig) -> bool:
        """Tell whether methods for few rows are used.

        Raises:
            ConfigError: An option that they do not support was set.
        """
        from imdb_sentiment.training.recipe import few_rows_below

        splits = self.splits
        named = config.method in ("contrastive", "probe")
        few = bool(splits.folds) or named or len(splits.train) < few_rows_below(self.config)
        other = {
            "method='fine_tune'": config.method == "fine_tune",
            "cascade=True": config.cascade,
            "several processes": world_size() > 1,
        }
        if few and any(other.values()):
            what = f"method={config.method!r}" if named else "validation='cross'"
            fine_tune = Setting("method", "fine_tune", "FineTuneConfig")
            split = Setting("validation", "split", "DataConfig")
            raise ConfigError(
                f"{what} does not go with {next(name for name, given in other.items() if given)}",
                hint=Advice(fine_tune) if named else Advice(split),
            )
        return few

    def _few_rows(self, encoder: TextEncoder, config: SettledConfig) -> "FewRows":
        """Encode the rows to train on, and those of a validation split, which are held out."""
        from imdb_sentiment.training.batching import EncodedRows
        from imdb_sentiment.training.few_rows import FewRows

        train, validation = self.splits.train, self.splits.validation
        texts = [*texts_of(train), *texts_of(validation)]
        fold_of = np.array(self.splits.folds or [-1] * len(train) + [0] * len(validation))
        labels = [*train["label"], *validation["label"]]
        whole, short = (
            EncodedRows.of(encoder.cut_at(limit).encode(texts), labels)
            for limit in (config.max_length, config.epoch_max_lengths[0])
        )
        return FewRows(texts, whole, short, fold_of)

    def _encode(self, encoder: TextEncoder, limits: tuple[int, ...]) -> "TrainingRows":
        from imdb_sentiment.training.batching import EncodedRows, TrainingRows

        splits = self.splits
        texts = texts_of(splits.train)
        train = {
            limit: EncodedRows.of(encoder.cut_at(limit).encode(texts), splits.train["label"]) for limit in set(limits)
        }
        validation = EncodedRows.of(encoder.encode(texts_of(splits.validation)), splits.validation["label"])
        return TrainingRows(tuple(train[limit] for limit in limits), limits, validation, self.labels)

    def _train(self, prepared: _Prepared, encoder: "Encoder") -> _Fitted:
        """Train, in every process."""
        from imdb_sentiment.training.few_rows import FewRows

        if isinstance(prepared.rows, FewRows):
            return self._train_on_few(prepared, prepared.rows, encoder)
        return self._fine_tune(prepared, prepared.rows, encoder)

    def _train_on_few(self, prepared: _Prepared, rows: "FewRows", encoder: "Encoder") -> _Fitted:
        """Compare methods on rows held out in turn, and train by the best."""
        import torch

        from imdb_sentiment.evaluation.report import full_report
        from imdb_sentiment.inference.measured_rows import held_out_scores, measured_rows
        from imdb_sentiment.models.device import usable_device
        from imdb_sentiment.models.pretrained import load_model
        from imdb_sentiment.training.calibration import calibrate
        from imdb_sentiment.training.checkpoints import recorded_precision
        from imdb_sentiment.training.few_rows import train_on_few_rows
        from imdb_sentiment.training.recipe import resolve, settled_fields
        from imdb_sentiment.training.run import set_dropout

        config = prepared.config
        device = torch.device(usable_device())

        heads: list[str] = []

        def load() -> "PreTrainedModel":
            model, head_is_new, head_note = load_model(encoder, config, prepared.names)
            heads.append(head_note if head_is_new else "the head of the checkpoint was fitted anew to these rows")
            set_dropout(model, config.dropout)
            model.to(device)  # type: ignore[arg-type]
            return model

        started = time.perf_counter()
        before = recorded_precision(prepared.resume_point) if prepared.resume_point else None
        recipe = resolve(config, load(), device, before=before)
        trained = train_on_few_rows(
            load,
            encoder.text_encoder,
            config,
            rows=rows,
            recipe=recipe,
            folder=self.output_dir,
            run={**prepared.run, "precision_used": recipe.precision},
        )
        labels = rows.encoded.labels[rows.fold_of >= 0].tolist()
        calibration = calibrate(trained.logits, labels, config, names=self.labels)
        held_out = baselines = None
        if trained.cross_fitted is not None:
            held_out = held_out_scores(trained.cross_fitted, encoder.text_encoder, rows.texts)
            after = full_report(measured_rows(held_out, rows.texts, labels, calibration), names=self.labels)
            after = replace(after, cross_validated=True, numeric_precision="fp32")
            calibration = replace(calibration, after=after)
            baselines = trained.baselines
        scale_outputs(trained.model, 1 / calibration.temperature)
        result = FineTuneResult(
            calibration=calibration,
            history=(),
            kept_epoch=0.0,
            kept_because="trained without epochs",
            method=trained.method,
            compared=trained.compared,
            seconds=time.perf_counter() - started,
            splits=prepared.summary,
            audit=prepared.audit,
            training_precision=recipe.precision,
            settled=settled_fields(self.config, config, epochs=False),
            notes=(heads[0], f"{recipe.precision} on {device.type}", *_unreported(config)),
        )
        return _Fitted(trained.model, encoder.text_encoder, result, held_out=held_out, baselines=baselines)

    def _fine_tune(self, prepared: _Prepared, rows: "TrainingRows", encoder: "Encoder") -> _Fitted:
        """Train encoder and head together, and keep the best epoch."""
        from imdb_sentiment.models.pretrained import load_model
        from imdb_sentiment.training.best_epoch import choose_metric
        from imdb_sentiment.training.recipe import settled_fields
        from imdb_sentiment.training.run import fine_tune

        config = prepared.config
        loaded = run_on_all_ranks(lambda: load_model(encoder, config, prepared.names))
        metric = choose_metric(config.metric_for_best_model)
        started = time.perf_counter()
        trained = fine_tune(
            loaded,
            encoder.text_encoder,
            config,
            rows=rows,
            metric=metric,
            output_dir=self.output_dir,
            run=prepared.run,
            checkpoint=prepared.resume_point,
        )
        seconds = time.perf_counter() - started

        calibration, cascade, choice = run_on_main(lambda: self._choose(trained, encoder.text_encoder))
        after = replace(calibration.after, kept_epoch=trained.kept_epoch, kept_because=trained.kept_because)
        calibration = replace(calibration, after=after)
        scale_outputs(trained.model, 1 / calibration.temperature)  # so it is calibrated in any program
        result = FineTuneResult(
            calibration=calibration,
            cascade=choice,
            history=trained.history,
            kept_epoch=trained.kept_epoch,
            kept_because=trained.kept_because,
            seconds=seconds,
            splits=prepared.summary,
            audit=prepared.audit,
            training_precision=trained.precision,
            settled=settled_fields(self.config, config),
            notes=(loaded.note, *trained.notes),
        )
        # times and devices differ between processes
        return _Fitted(trained.model, encoder.text_encoder, run_on_main(lambda: result), cascade)

    def _choose(
        self, trained: "TrainedModel", encoder: TextEncoder
    ) -> "tuple[Calibration, Cascade | None, CascadeChoice | None]":
        """Choose temperature, threshold and cascade on the validation split."""
        from imdb_sentiment.inference.cascade import log_odds_of
        from imdb_sentiment.inference.torch_backend import score_texts
        from imdb_sentiment.training.calibration import calibrate
        from imdb_sentiment.training.cascade import fit_cascade

        splits = self.splits
        validation = _labelled(splits.validation)
        logits = score_texts(trained.model, encoder, validation.texts).logits
        calibration = calibrate(logits, validation.labels, self.config, names=self.labels)
        if not self.config.cascade:
            return calibration, None, None
        train = _labelled(splits.train)
        odds = log_odds_of(logits) / calibration.temperature
        return calibration, *fit_cascade(train, validation, odds, calibration, cleans=self.config.clean_text)

    def _load(self) -> LoadedSplits:
        from imdb_sentiment.training.recipe import few_rows_below

        if self._loaded is None:
            self._loaded = load_splits(self.data_config, cross_below=few_rows_below(self.config))
        return self._loaded

    def _take(self, data: object) -> None:
        """Put rows that were given in the place of those of the source; or the source's again, for None."""
        from imdb_sentiment.training.recipe import few_rows_below

        rows, config = source_of(data, self.data_config)
        self._loaded = (
            given_splits(rows)
            if isinstance(rows, DataSplits)
            else load_splits(config, rows, cross_below=few_rows_below(self.config))
        )
        self._audit = None
        self._rows_given, self._read_config = rows is not None, config

    def _look(self, encoder: TextEncoder) -> None:
        """Audit the data, unless that was done before or their source is not known."""
        from imdb_sentiment.audit.dataset import audit_rows

        source = self._load().source
        if self._audit is None and source is not None:
            name = self.config.model_name
            self._audit = audit_rows(*source, self._read_config, encoder=encoder, model_name=name)

    def _describe_run(self, config: SettledConfig) -> dict[str, object]:
        """What decides how a run ends: a run cannot be resumed from a checkpoint of another."""
        splits = self.splits
        of_a_step = {"per_device_train_batch_size", "gradient_accumulation_steps"}
        run = config.model_dump(mode="json", exclude=NON_TRAINING_FIELDS | of_a_step)
        batch = config.per_device_train_batch_size * config.gradient_accumulation_steps
        return run | {
            "rows_per_step": batch * world_size(),
            "labels": list(self._load().names),
            "data_fingerprint": splits.summary.fingerprint,
        }

    def _require_fitted(self, what: str) -> _Fitted:
        if self._fitted is None:
            raise NotFittedError(f"there is no fitted model to {what}", hint="call fit() first")
        return self._fitted

    def _check_output_dir(self) -> None:
        folder = self.output_dir
        if folder.exists() and (not folder.is_dir() or any(path.name != LOCK_FILE for path in folder.iterdir())):
            raise OutputExistsError(
                f"{folder} is not empty and was not changed",
                expected="a new or empty folder for the checkpoints of this run",
                hint="fit(resume=True) to resume the run in it, or another output_dir",
            )


def _unreported(config: FineTuneConfig) -> list[str]:
    trackers = ", ".join(config.report_to)
    return [f"{trackers} got nothing, as there were no epochs; method='fine_tune' has them"] if trackers else []


def _labelled(rows: "Dataset") -> Labelled:
    return Labelled(texts_of(rows), rows["label"])


def _no_argument(name: str) -> ConfigError:
    """Return the error for a setting that is a field of one of the configurations."""
    fields = {kind.__name__: kind.model_fields for kind in (DataConfig, FineTuneConfig)}
    return ConfigError(f"SentimentFineTuner has no argument {quote(name)}", hint=suggest_setting(name, (), fields))
