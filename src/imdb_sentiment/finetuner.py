"""SentimentFineTuner: runs the steps in order, and does none of them itself."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np

from imdb_sentiment.classifier import SentimentClassifier
from imdb_sentiment.config import DataConfig, FineTuneConfig, given_config, source_of
from imdb_sentiment.config.other_names import unknown_argument
from imdb_sentiment.data.data_like import DataLike, DataSplits
from imdb_sentiment.data.fingerprints import TrainingFingerprints
from imdb_sentiment.errors import ConfigError, DataError, NotFittedError
from imdb_sentiment.persistence.opened_model import hold_model
from imdb_sentiment.results.evaluation import EvaluationReport
from imdb_sentiment.results.label_issues import LabelIssues
from imdb_sentiment.results.metrics import CustomMetrics, MetricFunction
from imdb_sentiment.results.training import FineTuneResult
from imdb_sentiment.runtime.distributed import run_on_all_ranks, run_on_main, warn_of_idle_gpus
from imdb_sentiment.runtime.files import as_path
from imdb_sentiment.runtime.messages import quote
from imdb_sentiment.training.hooks import GivenObjects, Hooks
from imdb_sentiment.training.losses import Loss
from imdb_sentiment.training.recipe import few_rows_below
from imdb_sentiment.training.run_data import RunData

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

    from imdb_sentiment.data.word_sets import WordSets
    from imdb_sentiment.inference.inputs import TextsLike
    from imdb_sentiment.models.pretrained import Encoder
    from imdb_sentiment.persistence.metadata import ModelMetadata
    from imdb_sentiment.persistence.torch_model import Artifact
    from imdb_sentiment.results.audit import DataAudit
    from imdb_sentiment.training.plan import Plan
    from imdb_sentiment.training.run import Fitted

__all__ = ["SentimentFineTuner"]


class SentimentFineTuner:
    """Fine-tunes a pretrained encoder on labelled texts, measures it on held-out rows, and saves it.

    Without arguments, it performs the task of the tutorial: `bert-base-uncased` on IMDb.

    Args:
        data_config: Where the data come from and how they are split.
        config: How the model is trained.
        output_dir: Folder for the checkpoints of the run, one after each epoch. By default a temporary folder, which is
            removed at the end of the run; if the run fails, a note on the exception says where its checkpoints are.
            Processes on several machines need a folder on a shared disk. `save` writes the finished model.
        model: A transformers model to start from instead of `config.model_name`: a classifier with two labels, or an
            encoder without a head. It is copied when `fit` begins and never changed; its frozen parameters stay frozen.
            `config.model_name` is set to its origin (`model.name_or_path`) or its class.
        tokenizer: The tokenizer of `model`.
        callbacks: Instances or subclasses of `transformers.TrainerCallback`, for the events of a fine-tuning run.
        metrics: Functions by name that map labels, 0 or 1, and probabilities of the positive label, arrays of shape
            (n,), to a number. Each report includes them, with intervals, and `FineTuneConfig.metric_for_best_model` may
            name one.
        loss: Function of logits of shape (n, 2), labels of shape (n,) and weights of shape (n,) that returns the
            weighted training loss of each row, shape (n,), instead of the cross-entropy.

    Raises:
        ConfigError: An argument has another type or does not fit the others; the message says how to pass it.
        ModelError: `model` is neither a classifier with two labels nor an encoder, or `tokenizer` does not belong to
            it.

    Example:
        ```python
        data = DataConfig(source="reviews.csv")
        tuner = SentimentFineTuner(data, FineTuneConfig(model_name="minilm"))
        print(tuner.fit())
        print(tuner.evaluate())
        tuner.save("reviews-model")
        ```
    """

    def __init__(
        self,
        data_config: DataConfig | None = None,
        config: FineTuneConfig | None = None,
        *,
        output_dir: str | PathLike[str] | None = None,
        model: "PreTrainedModel | None" = None,
        tokenizer: "PreTrainedTokenizerFast | None" = None,
        callbacks: "Sequence[TrainerCallback | type[TrainerCallback]] | None" = None,
        metrics: Mapping[str, MetricFunction] | None = None,
        loss: Loss | None = None,
        **unknown: Never,
    ) -> None:
        for name in unknown:
            fields = {kind.__name__: kind.model_fields for kind in (DataConfig, FineTuneConfig)}
            raise unknown_argument("SentimentFineTuner", name, (*GivenObjects.__annotations__, "output_dir"), fields)
        self.data_config = given_config(data_config, DataConfig)
        self.config = given_config(config, FineTuneConfig)
        self.output_dir = None if output_dir is None else as_path(output_dir, "output_dir")
        self._hooks = Hooks.of(
            self.config, model=model, tokenizer=tokenizer, metrics=metrics, callbacks=callbacks, loss=loss
        )
        if self._hooks.model:
            self.config = self.config.replace(model_name=self._hooks.model.name, model_revision=None)
        self._temporary: Path | None = None
        self._data = RunData(
            self.data_config, lambda: few_rows_below(self.config, needs_trainer=self._hooks.needs_trainer)
        )
        self._fitted: Fitted | None = None
        self._test: EvaluationReport | None = None
        self._hashed: tuple[TrainingFingerprints, WordSets] | None = None

    @property
    def splits(self) -> DataSplits:
        """The training, validation and test rows, loaded when first used.

        Raises:
            DataError: The source cannot be used.
            HubUnavailableError: The source is on the hub, and the hub did not answer.
        """
        return self._data.load(self.data_config).splits

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and the positive label."""
        return self._data.load(self.data_config).names

    @property
    def classifier(self) -> SentimentClassifier:
        """The fitted model as a classifier that shares its weights, without saving it.

        It computes in fp32, on the device that the model was trained on. `fit` makes a new model and does not change
        this one.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        return SentimentClassifier(hold_model(self._artifact(self._require_fitted("classify with"))))

    @property
    def model(self) -> "PreTrainedModel":
        """The fitted model itself, not a copy, with calibrated logits; changes to it apply here too.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        return self._require_fitted("return").model

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer of the fitted model itself, which cleans texts and neither truncates nor pads.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        return self._require_fitted("return").encoder.tokenizer

    def __repr__(self) -> str:
        given = "given rows" if self._data.are_given else quote(self._data.config.source)
        method = f"fitted by {self._fitted.result.method}" if self._fitted else "not fitted"
        return f"<SentimentFineTuner: {quote(self.config.model_name)} on {given}, {method}>"

    def audit(self) -> "DataAudit | None":
        """Audit the data before training, as `fit` does.

        Returns:
            The findings of `audit_dataset`, with text lengths in tokens of this model; None if `fit` was given
            `DataSplits`, whose source is unknown.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            HubUnavailableError: Something is on the hub, and the hub did not answer.

        Example:
            ```python
            print(SentimentFineTuner(DataConfig(source="reviews.csv"), config).audit())
            ```
        """
        self._data.load(self.data_config)
        return self._data.audit(lambda: self._encoder().text_encoder, self.config.model_name)

    def fit(
        self,
        data: "DataLike | None" = None,
        *more: Never,
        unlabelled: "TextsLike | str | PathLike[str] | None" = None,
        resume: bool = False,
    ) -> FineTuneResult:
        """Fine-tune the model, evaluating it on the validation split and saving a checkpoint at the end of each epoch.

        The first Ctrl-C or SIGTERM ends the run after the current step and saves it; the second ends it at once. If a
        launcher started several processes, only the main one reads, prints and writes, and all return the same result.

        Only one thread trains at a time, and others wait, because a run seeds the random numbers of its process. Their
        state is restored afterwards.

        Args:
            data: A path, a hub data set or a mapping of paths, as for `DataConfig.source`; a DataFrame, a
                `datasets.Dataset` or `DatasetDict`, a list of dictionaries, a mapping from split names to such tables,
                or a pair `(texts, labels)`; or `DataSplits`, which are used unchanged. By default `data_config.source`.
            *more: Not used; texts and labels are passed as one pair.
            unlabelled: Texts of the same kind without labels: a list or column of texts, a table, or the path of a CSV,
                TSV, JSONL or Parquet file; the columns are those of the labelled rows. The fitted encoder labels them,
                and the TF-IDF model of `FineTuneConfig.cascade` learns from them too, for
                `SentimentClassifier.predict(ensemble=True)`. Texts that equal or nearly equal a labelled row of any
                split are left out and counted. This takes as long as scoring the texts once, or seven times with folds.
            resume: Resume from the newest complete checkpoint in `output_dir`, if there is one, or of the failed run of
                this object. The result is the same as without the interruption.

        Raises:
            DataError: The data cannot be used as they are.
            ModelError: The encoder cannot be used.
            ConfigError: The configuration does not fit the encoder, the checkpoint belongs to another run, or `data` is
                a configuration.
            OutputExistsError: `output_dir` is not empty and `resume` is false, or it contains checkpoints of another
                program, or another run is writing to it.
            HubUnavailableError: Something is on the hub, and the hub did not answer.
            DiskFullError: The checkpoints do not fit on the disk.
            TrainingDivergedError: A loss or a gradient is no longer a number.
            TrainingInterruptedError: A signal ended the run; it can be resumed.
            MissingExtraError: The package of a tracker that `report_to` names is not installed.

        Example:
            ```python
            tuner = SentimentFineTuner(config=FineTuneConfig(model_name="minilm"))
            result = tuner.fit((texts, labels))
            print(result.method, result.validation.accuracy)
            ```
        """
        from imdb_sentiment.training.arguments import check_trackers
        from imdb_sentiment.training.run import train

        if not isinstance(self, SentimentFineTuner):
            raise ConfigError("fit was called on the class", hint="SentimentFineTuner(...).fit(data)")
        if more:
            raise DataError("fit takes texts and labels as one pair", hint="fit((texts, labels))")
        source_of(data, self.data_config)  # report a mistake before anything is loaded
        check_trackers(self.config.report_to, temporary=self.output_dir is None)
        warn_of_idle_gpus()
        self._fitted = self._test = self._hashed = None  # what was fitted before must not be measured on these splits
        with ExitStack() as held:
            encoder = run_on_all_ranks(self._encoder)
            plan = run_on_main(lambda: self._prepare(data, unlabelled, encoder, held, resume=resume))
            self._fitted = train(plan, encoder, lambda: self.splits, self._hooks)
        return self._fitted.result

    def evaluate(self, *, full: bool = True, metrics: Mapping[str, MetricFunction] | None = None) -> EvaluationReport:
        """Measure the fitted model on the test split. Do this once, at the end, and base no choice on the result.

        If there is no test split, because there were too few rows (`DataConfig.test_fraction`), the report is that of
        the cross-validation in `fit`: each row was scored by a model that was trained without it.

        The report contains each metric with its 95 % interval; the majority label and TF-IDF with logistic regression,
        trained on the same rows, for comparison; slices by length, confidence and `DataConfig.slice_columns`; and how
        the model reacts to changed texts (see `check_behaviour`).

        Args:
            full: Whether to add intervals, baselines and behaviour to the metrics, which takes seconds.
            metrics: Additional metrics by name, besides those that were given to the fine-tuner.

        Returns:
            The report; `cross_validated` says whether it is of the training rows, held out in turn.

        Raises:
            NotFittedError: `fit` has not been called.
            ConfigError: A metric is invalid or fails.

        Example:
            ```python
            report = tuner.evaluate()
            print(report.accuracy, report.intervals["accuracy"])
            report.save_html("report.html")
            ```
        """
        fitted = self._require_fitted("evaluate")
        own = CustomMetrics(self._hooks.metrics | CustomMetrics.of({} if metrics is None else metrics))
        self._test = run_on_main(lambda: self._measure(fitted, own, full=full))
        return self._test

    def label_issues(self) -> LabelIssues:
        """Find training labels that are probably wrong, without training again.

        If there are fewer than 500 rows, or `DataConfig.validation` is `cross`, `fit` scores each training row with a
        model that was trained without it. These scores, together with TF-IDF, are ranked as by `find_label_issues`.

        Returns:
            The suspected rows, the most likely first, numbered as in the training split of the source.

        Raises:
            NotFittedError: `fit` has not been called.
            DataError: The rows were not held out in turn; `find_label_issues` trains models that hold them out.

        Example:
            ```python
            tuner = SentimentFineTuner(DataConfig(source="reviews.csv", validation="cross"))
            tuner.fit()
            print(tuner.label_issues())
            ```
        """
        from imdb_sentiment.evaluation.confident_learning import label_issues_of
        from imdb_sentiment.models.tokenization import labelled_texts

        fitted = self._require_fitted("find label issues by")
        if fitted.with_tfidf is None:
            raise DataError(
                "the training rows were not held out in turn, so the model has learned from wrong labels too",
                expected="DataConfig(validation='cross'), or fewer than 500 rows",
                hint="find_label_issues(data, data_config, config), which trains a model for each fold",
            )
        splits, names, _, positions = self._data.load(self.data_config)
        texts, labels = labelled_texts(splits.train)
        return label_issues_of(
            fitted.with_tfidf,
            np.asarray(labels),
            model=f"{self.config.model_name} ({fitted.result.method}) with TF-IDF, {splits.summary.folds} folds",
            names=names,
            numbers=positions + 1,
            texts_at=lambda rows: [texts[row] for row in rows.tolist()],
            notes=splits.summary.notes,
        )

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Save the fitted model as a standard Hugging Face folder with `imdb_sentiment.json` beside the weights.

        The folder is written under another name and renamed, so a killed process never leaves half a model.

        Args:
            path: Folder to write.
            overwrite: Replace a model that this library saved there before. Nothing else is ever overwritten.

        Returns:
            The folder.

        Raises:
            NotFittedError: `fit` has not been called.
            OutputExistsError: The folder is not empty.

        Example:
            ```python
            folder = tuner.save("my-model")
            classifier = SentimentClassifier.from_pretrained(folder)
            ```
        """
        from imdb_sentiment.persistence.torch_model import save_artifact

        fitted = self._require_fitted("save")
        folder = as_path(path, "path")
        run_on_main(lambda: save_artifact(folder, self._artifact(fitted), overwrite=overwrite))
        return folder

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Model of imdb_sentiment",
    ) -> str:
        """Push the fitted model to the Hugging Face hub; see `SentimentClassifier.push_to_hub`.

        Raises:
            NotFittedError: `fit` has not been called.
            ConfigError: The hub does not permit it.
            HubUnavailableError: The hub did not answer.
        """
        from imdb_sentiment.persistence.torch_model import push_artifact

        fitted = self._require_fitted("push_to_hub")
        return run_on_main(
            lambda: push_artifact(self._artifact(fitted), repo_id, private=private, token=token, message=commit_message)
        )

    def _artifact(self, fitted: "Fitted") -> "Artifact":
        from imdb_sentiment.data.word_sets import WordSets
        from imdb_sentiment.persistence.torch_model import Artifact

        if self._hashed is None:  # half a second for 8,000 reviews, and `classifier` may be used in a loop
            train, validation = self.splits.train, self.splits.validation
            self._hashed = TrainingFingerprints.of(train, validation), WordSets.of_sample(train)
        seen, words = self._hashed
        kept = seen, fitted.cascade, fitted.held_out_rows, words
        return Artifact(fitted.model, fitted.encoder, self._describe(fitted), *kept)

    def _describe(self, fitted: "Fitted") -> "ModelMetadata":
        """Say how the fitted model was made, and what is known of it by now."""
        from imdb_sentiment.persistence.metadata import describe

        metadata = describe(
            fitted.result,
            self._test,
            fitted.encoder,
            labels=self._data.load(self.data_config).names,
            data_config=self._data.config,
            config=self.config,
        )
        unnamed = metadata.data_config | {"source": None}
        return metadata.model_copy(update={"data_config": unnamed}) if self._data.are_given else metadata

    def _measure(self, fitted: "Fitted", metrics: CustomMetrics, *, full: bool) -> EvaluationReport:
        from imdb_sentiment.training.measure import measure_fitted

        background = self._describe(fitted).background()
        return measure_fitted(fitted, self.splits, self.labels, metrics, background, full=full)

    def _prepare(
        self,
        data: object,
        unlabelled: "TextsLike | str | PathLike[str] | None",
        encoder: "Encoder",
        held: ExitStack,
        *,
        resume: bool,
    ) -> "Plan":
        """Do all that comes before learning: claim the folder, read the data, audit them, and encode them.

        Args:
            data: As for `fit`.
            unlabelled: As for `fit`.
            encoder: The pretrained encoder.
            held: Keeps the folder claimed until it is closed.
            resume: As for `fit`.
        """
        from imdb_sentiment.training.checkpoints import claimed_for_checkpoints, temporary_folder
        from imdb_sentiment.training.plan import Plan
        from imdb_sentiment.training.unlabelled import UnlabelledTexts

        folder = self.output_dir
        if folder is None:
            unfinished = self._temporary if resume and self._temporary and self._temporary.exists() else None
            folder = self._temporary = held.enter_context(temporary_folder(unfinished))
        held.enter_context(claimed_for_checkpoints(folder, resume=resume))
        splits, names, *_ = self._data.renew(data, self.data_config)
        more = None if unlabelled is None else UnlabelledTexts.of(unlabelled, splits, self._data.config)
        return Plan.of(
            self.config,
            splits,
            encoder,
            names,
            folder,
            resume=resume,
            audit=lambda: self._data.audit(lambda: encoder.text_encoder, self.config.model_name),
            hooks=self._hooks,
            unlabelled=more,
        )

    def _encoder(self) -> "Encoder":
        from imdb_sentiment.models.pretrained import load_encoder

        pairs = self.data_config.text_columns is not None
        return load_encoder(self.config, pairs=pairs, given=self._hooks.model)

    def _require_fitted(self, what: str) -> "Fitted":
        if self._fitted is None:
            raise NotFittedError(f"there is no fitted model to {what}", hint="call fit() first")
        return self._fitted
