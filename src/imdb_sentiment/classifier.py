"""SentimentClassifier: opens a saved model and predicts."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, lru_cache
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from imdb_sentiment.data.fingerprints import SEEN_ROWS_FILE
from imdb_sentiment.data.labels import Labelled, Texts, match_labels
from imdb_sentiment.data.sequences import is_table
from imdb_sentiment.errors import ConfigError, DataError, ModelError
from imdb_sentiment.inference.cascade import CascadeScorer
from imdb_sentiment.inference.graph_backends import GraphBackend, open_graph
from imdb_sentiment.inference.inputs import TextsLike, check_items, checked_texts, listed_items
from imdb_sentiment.inference.row_labels import RowLabeler
from imdb_sentiment.inference.scorer import WINDOW, Scorer
from imdb_sentiment.inference.torch_backend import TorchBackend, open_backend, score_texts
from imdb_sentiment.models.device import Precision, usable_device
from imdb_sentiment.persistence.folder import find_folder
from imdb_sentiment.persistence.identity import identity_of
from imdb_sentiment.persistence.metadata import ModelMetadata
from imdb_sentiment.persistence.onnx_model import GRAPH_FILE, Exported, load_exported
from imdb_sentiment.persistence.opening import Opening
from imdb_sentiment.persistence.torch_model import Artifact, load_artifact, load_third_party
from imdb_sentiment.results import EvaluationReport, Explanation, ExportReport, FileReport, Prediction
from imdb_sentiment.runtime.files import METADATA_FILE, as_path
from imdb_sentiment.runtime.messages import Advice, Either, cut, list_values, quote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SentimentClassifier"]


class SentimentClassifier:
    """A fine-tuned model, ready to classify texts. Make one with `from_pretrained`.

    A model that learnt from two text columns reads pairs: where a sequence of texts is asked for, it takes a sequence
    of tuples such as `(title, body)`, in the order of `metadata.text_columns`.
    """

    def __init__(
        self,
        artifact: Artifact | Exported | None = None,
        scorer: Scorer | None = None,
        opening: Opening | None = None,
    ) -> None:
        if artifact is None or scorer is None:
            hint = f"SentimentClassifier.from_pretrained({quote(artifact or 'folder')})"
            raise ConfigError("a classifier is made by from_pretrained", hint=hint)
        self._artifact = artifact
        self._scorer = scorer
        self._opening = opening

    @classmethod
    def from_pretrained(
        cls,
        path: str | PathLike[str],
        *,
        revision: str | None = None,
        device: str | None = None,
        precision: Literal["auto", "fp32", "bf16"] = "auto",
        max_tokens_per_forward: int | Literal["auto"] = "auto",
    ) -> Self:
        """Open a model that `SentimentFineTuner.save`, `imdb-sentiment train` or `export` wrote.

        A model that was made elsewhere is opened too, if it has two labels: they are called what its `config.json`
        calls them, the second one is the positive one, and a longer text loses its end.

        An exported model is opened without PyTorch: by OpenVINO if the extra `openvino` is installed, else by ONNX
        Runtime, which needs the extra `onnx`; one of eight bits always by the latter, as it is quicker. It predicts and
        measures; it cannot explain, be exported again or be pushed.

        Args:
            path: Folder on disk, or the id of a repository on the hub.
            revision: Branch, tag or commit on the hub.
            device: Where to compute, as PyTorch names it (`cpu`, `cuda`, `cuda:1`, `mps`); by default a GPU if there
                is one.
            precision: Numbers to compute with. `auto` is bf16 on a GPU that knows it, and on a CPU with instructions
                for it if a trial is faster, else fp32; `evaluate` computes in fp32 then, so that figures do not depend
                on a trial. In fp32 a text has the same probabilities in whatever company, to 1e-5; in bf16 they
                differ in the third digit. An exported model computes in bf16 with OpenVINO only, and one of eight bits
                in no other numbers.
            max_tokens_per_forward: Tokens, padding included, that go through the model at once; changes speed and
                memory, not results. `auto` is 2,048 on a CPU and 32,768 on a GPU. Where memory does not suffice, it is
                halved until it does.

        Raises:
            ConfigError: There is no such device or precision, or `max_tokens_per_forward` is below 1.
            MissingExtraError: It is an exported model, and what opens it is not installed.
            ModelError: It is no such folder, or one that cannot be trusted; the message says why.
            HubUnavailableError: `path` is on the hub, and the hub did not answer.
        """
        most = None if max_tokens_per_forward == "auto" else max_tokens_per_forward
        if most is not None and most < 1:
            raise ConfigError(f"max_tokens_per_forward={most} leaves nothing to compute", expected="1 or more")
        if precision not in ("auto", "fp32", "bf16"):
            raise ConfigError(f"precision={quote(precision)} is not known", expected="auto, fp32 or bf16")
        folder = find_folder(str(as_path(path, "path")), revision)
        if (folder / GRAPH_FILE).is_file():
            if device not in (None, "cpu"):
                raise ConfigError(
                    f"device={quote(device)}: an exported model computes on the CPU", expected="cpu or none"
                )
            exported = load_exported(folder)
            graph = open_graph(exported.graph, quantized=exported.quantized, precision=precision)
            opening = Opening.of(path, revision, device, precision, max_tokens_per_forward)
            scorer = Scorer(graph, exported.encoder, max_tokens=most)
            scorer.try_out(pairs=len(exported.metadata.text_columns) == 2)
            return cls(exported, scorer, opening)
        place = usable_device(device)
        artifact = load_artifact(folder) if (folder / METADATA_FILE).exists() else load_third_party(folder, str(path))
        model, encoder = artifact.model, artifact.encoder
        model.to(place)  # type: ignore[arg-type]
        Scorer(TorchBackend(model), encoder).try_out(pairs=len(artifact.metadata.text_columns) == 2)
        backend = open_backend(model, encoder, precision)
        opening = Opening.of(path, revision, device, backend.precision, max_tokens_per_forward)
        return cls(artifact, Scorer(backend, encoder, max_tokens=most), opening)

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and of the positive label, in the order of the columns of `predict_proba`."""
        names = self._artifact.metadata.labels
        return names.negative, names.positive

    @property
    def metadata(self) -> ModelMetadata:
        """What `imdb_sentiment.json` says of how the model was made."""
        return self._artifact.metadata

    @property
    def threshold(self) -> float:
        """A text is called positive if its positive probability is above it; see `FineTuneConfig.threshold`."""
        return self.metadata.calibration.threshold

    @overload
    def predict(  # type: ignore[overload-overlap]
        self, texts: str, *, abstain_below: float = ..., cascade: bool = ...
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        texts: TextsLike,
        *,
        abstain_below: float = ...,
        cascade: bool = ...,
    ) -> list[Prediction]: ...
    def predict(
        self,
        texts: str | TextsLike,
        *,
        abstain_below: float = 0.0,
        cascade: bool = False,
    ) -> Prediction | list[Prediction]:
        """Classify one text, or several.

        Args:
            texts: A text; or several: a list, an iterator, or a column of pandas, polars, Arrow or NumPy; for a model
                of two text columns, pairs. Or a table of pandas, polars, Arrow or `datasets`, of which the columns in
                `metadata.text_columns` are read.
            abstain_below: Mark predictions whose label has a lower probability as abstained, for somebody to look at.
                The report's curve of coverage and accuracy says what that costs.
            cascade: Let a quick model of words answer the texts that it is sure of, if the model was trained with
                `FineTuneConfig.cascade`; each prediction says which of the two answered.

        Returns:
            A prediction for the one text; or a list with one for each text, in their order.

        Raises:
            DataError: It holds no texts, such as a dictionary or a set; or a table lacks a column; or an item is not
                what the model reads, or is blank. The message gives its position, counted from 1.
            ConfigError: `abstain_below` is not between 0 and 1.
            ModelError: The model has no cascade.
        """
        predictions = self._predict(self._checked(texts), abstain_below, cascade)
        return predictions[0] if isinstance(texts, str) else predictions

    def _predict(self, texts: Texts, abstain_below: float, cascade: bool) -> list[Prediction]:
        if not 0 <= abstain_below <= 1:
            raise ConfigError(f"abstain_below={abstain_below} is no probability", expected="between 0 and 1")
        scores = self._scorer_for(cascade).score(texts)
        labels, threshold = self.labels, self.threshold
        predictions = []
        columns = (scores.probabilities.tolist(), scores.truncated.tolist(), scores.by_encoder.tolist())
        for row, truncated, by_encoder in zip(*columns, strict=True):
            winner = int(row[1] > threshold)
            predictions.append(
                Prediction(
                    label=labels[winner],
                    score=row[winner],
                    probabilities=dict(zip(labels, row, strict=True)),
                    truncated=truncated,
                    abstained=row[winner] < abstain_below,
                    answered_by="encoder" if by_encoder else "words",
                )
            )
        return predictions

    def predict_stream(
        self,
        texts: str | TextsLike,
        *,
        abstain_below: float = 0.0,
        cascade: bool = False,
    ) -> Iterator[Prediction]:
        """Classify texts as they come, without holding them all; see `predict`.

        Texts are taken from an iterator some thousands at a time, since texts of like length are quicker together.

        Raises:
            DataError: See `predict`; the texts of earlier thousands were answered.
            ConfigError: `abstain_below` is not between 0 and 1.
            ModelError: The model has no cascade.
        """
        columns = self.metadata.text_columns
        lazy: Any = isinstance(texts, Iterator) and not is_table(texts) and texts
        waiting: Iterator[Any] = iter(lazy or listed_items(texts, columns))
        before = 0
        while window := list(islice(waiting, WINDOW)):
            yield from self._predict(check_items(window, columns, before=before), abstain_below, cascade)
            before += len(window)

    def predict_file(
        self,
        source: str | PathLike[str],
        target: str | PathLike[str],
        *,
        text_columns: Sequence[str] | None = None,
        prefix: str = "",
        shard: tuple[int, int] = (1, 1),
        encoding: str | None = None,
        header: bool = True,
        spreadsheet_safe: bool = False,
        cascade: bool = False,
        overwrite: bool = False,
    ) -> FileReport:
        """Classify the rows of a file, and write all its columns and three more to another.

        `label` is the predicted label, `score` its probability, and `reason` says why a row has neither: it has no
        text, or something else than text. Rows keep their places. Memory does not grow with the file. A run that was
        killed goes on where it was when it is started again, and ends with the same bytes.

        Args:
            source: CSV, TSV, TXT, JSONL or Parquet, also with `.gz` or `.zst`.
            target: The file to write, of the same kind; text is written as UTF-8.
            text_columns: Columns that hold the text, or the two of a pair; by default those the model learnt from.
            prefix: Put before the names of the three columns, for a file that has one of these names.
            shard: `(2, 5)` does the second fifth, part by part, for five processes that write five files.
            encoding: Of a text file; by default UTF-8 or what its mark says.
            header: Whether the first line of a CSV or TSV file names the columns. Without a header the columns are
                called by their positions, counted from 1, and none is written.
            spreadsheet_safe: Put an apostrophe before what a spreadsheet might take for a formula; for CSV and TSV.
            cascade: As for `predict`; the report says how many rows the quick model answered.
            overwrite: Replace `target` if it is there.

        Raises:
            DataError: The source is missing, broken, or lacks a column; nothing was written.
            ConfigError: An option is not valid, a name is taken, or the two files are of different kinds.
            ModelError: The model has no cascade.
            OutputExistsError: The target is there or cannot be written.
        """
        from imdb_sentiment.inference.file import FileJob, precision_of_parts, score_file

        number, shards = shard
        if not 1 <= number <= shards:
            raise ConfigError(f"shard={number}/{shards} is none", expected="such as 2/5: the second of five")
        job = FileJob(
            as_path(source, "source"),
            as_path(target, "target"),
            self._columns(text_columns),
            prefix,
            shard,
            encoding,
            header,
            spreadsheet_safe,
        )
        with self._computing_as(precision_of_parts(job.target)):
            return score_file(job, self._judge(cascade), overwrite=overwrite)

    def predict_files(
        self,
        source: str | PathLike[str],
        folder: str | PathLike[str],
        *,
        workers: int | None = None,
        text_columns: Sequence[str] | None = None,
        prefix: str = "",
        encoding: str | None = None,
        header: bool = True,
        spreadsheet_safe: bool = False,
        cascade: bool = False,
        overwrite: bool = False,
    ) -> FileReport:
        """Classify the rows of many files with Ray, each as `predict_file` does. Needs the extra `ray`.

        Each file becomes one of the same name in the output folder. A run that was stopped goes on when it is started
        again, with the files and parts of files that are missing, and ends with the same bytes; so does one that loses
        workers.

        Args:
            source: A folder, which is searched with all that lies in it, or a pattern such as `reviews/*.parquet`.
            folder: Where to; what lies in folders of `source` gets folders of the same names.
            workers: How many processes, each with one model and its share of the processors; by default one for each
                GPU of the cluster that Ray is connected to, or without GPUs one for each processor.
            text_columns: As for `predict_file`.
            prefix: As for `predict_file`.
            encoding: As for `predict_file`.
            header: As for `predict_file`.
            spreadsheet_safe: As for `predict_file`.
            cascade: As for `predict_file`.
            overwrite: Replace files that are there, and discard the work of another model or other options.

        Returns:
            What came of all rows of all files.

        Raises:
            DataError: There are no files, or some could not be scored; the others are.
            ConfigError: An option is not valid, or there is no cluster where `RAY_ADDRESS` says.
            ModelError: The model has no cascade.
            OutputExistsError: Something in the folder would be overwritten, or another process writes to it.
            MissingExtraError: Ray is not installed.
        """
        from imdb_sentiment.inference.folder import FolderJob, find_inputs, precision_of_run, score_folder
        from imdb_sentiment.inference.ray_engine import RayWorkers

        self._scorer_for(cascade)
        options = {
            "text_columns": list(self._columns(text_columns)),
            "prefix": prefix,
            "encoding": encoding,
            "header": header,
            "spreadsheet_safe": spreadsheet_safe,
            "cascade": cascade,
        }
        target = as_path(folder, "folder").absolute()
        with self._computing_as(precision_of_run(target)):
            engine = RayWorkers(self, workers=workers, on_gpu=not isinstance(self._artifact, Exported))
            root, names = find_inputs(str(as_path(source, "source")), target)
            job = FolderJob(root, names, target, options, self._identity, self._numeric_precision)
            return score_folder(job, engine, overwrite=overwrite)

    def __call__(
        self,
        batch: Any,
        *,
        text_columns: Sequence[str] | None = None,
        prefix: str = "",
        cascade: bool = False,
    ) -> Any:
        """Classify a batch of rows: what `map_batches` of Ray Data and `mapInArrow` of Spark call.

        A classifier can be sent to other processes, each of which opens the model once.

        Args:
            batch: A dictionary of NumPy arrays, a `pyarrow.Table` or a `pyarrow.RecordBatch`.
            text_columns: Columns that hold the text, or the two of a pair; by default those the model learnt from.
            prefix: Put before the names of the three columns, for a batch that has one of these names.
            cascade: As for `predict`.

        Returns:
            A batch of the same kind with all its columns and `label`, `score` and `reason`, which mean what they do for
            `predict_file`. A row without a label has nulls; in a NumPy array of scores, NaN.

        Raises:
            DataError: A column is missing.
            ConfigError: It is no such batch, an option is not valid, or a name is taken.
            ModelError: The model has no cascade.
        """
        from imdb_sentiment.inference.batch import score_batch

        return score_batch(batch, self._columns(text_columns), prefix, self._judge(cascade))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the model is and how it was opened, not its weights; a copy computes in the same precision."""
        if self._opening is None:
            raise TypeError("a classifier can be pickled if from_pretrained opened it")
        opening = self._opening._replace(precision=self._precision) if self._precision else self._opening
        return _reopen, (type(self), opening, self._identity)

    @cached_property
    def _identity(self) -> str:
        """Tells one model from another; computed when it is asked for, since it takes as long as reading the file."""
        return identity_of(self._artifact, self._scorer.backend)

    def _judge(self, cascade: bool) -> RowLabeler:
        scorer = self._scorer_for(cascade)
        return RowLabeler(scorer, self.labels, self.threshold, self._identity, cascade, self._numeric_precision)

    @property
    def _numeric_precision(self) -> str | None:
        """What the model computes with, whether it was chosen here or not."""
        backend = self._scorer.backend
        return backend.precision if isinstance(backend, TorchBackend | GraphBackend) else None

    @property
    def _precision(self) -> Precision | None:
        """What the model computes in; None if that is not chosen here."""
        return self._scorer.backend.precision if isinstance(self._scorer.backend, TorchBackend) else None

    def _computing_as(self, precision: Precision | None) -> AbstractContextManager[None]:
        """Compute in a precision whatever a trial has chosen, unless one was asked for; None for what it has chosen."""
        backend = self._scorer.backend
        return backend.computing_as(precision) if isinstance(backend, TorchBackend) else nullcontext()

    def _columns(self, asked: Sequence[str] | None) -> tuple[str, ...]:
        learnt = self.metadata.text_columns
        columns = tuple(asked or learnt)
        if isinstance(asked, str) or len(columns) != len(learnt):
            expected = "a list of two names" if len(learnt) == 2 else "a list of one name"
            raise ConfigError(f"text_columns={quote(asked)} does not suit the model", expected=expected)
        return columns

    def predict_proba(self, texts: str | TextsLike) -> "NDArray[np.float32]":
        """Return the probability of each label for each text.

        Args:
            texts: What `predict` takes, n of them.

        Returns:
            Array of shape (n, 2), columns in the order of `labels`; each row adds up to 1.

        Raises:
            DataError: See `predict`.
        """
        return self._scorer.score(self._checked(texts)).probabilities

    def evaluate(
        self,
        texts: TextsLike,
        labels: Iterable[int | str],
        *,
        slices: Mapping[str, Sequence[str]] | None = None,
        train: tuple[TextsLike, Iterable[int | str]] | None = None,
        validation: tuple[TextsLike, Iterable[int | str]] | None = None,
        explained_errors: int = 0,
        cascade: bool = False,
    ) -> EvaluationReport:
        """Measure the model on labelled texts.

        If the model was trained on some of them, or its best epoch chosen, a warning says so, and `unseen` of the
        report has the figures without them. Another says so if labels in other spellings are probably flipped.

        Args:
            texts: What `predict` takes, n of them.
            labels: The true label of each: one of the names in `labels`, also in another spelling that training
                understands (`Pos` or true for `positive`). 0 and 1 are the model's labels in their order, unless their
                names say otherwise: where the positive label is called `negative`, give the names.
            slices: What else is known of the texts, such as their source: for each name n values. The report has the
                figures of each value, up to 100.
            train: Texts and labels that the model was trained on. Simpler models are fitted to them and measured
                beside.
            validation: Texts and labels that the model's threshold was chosen on, if it serves a goal such as
                `recall>=0.95`. The thresholds of the simpler models are chosen on them for the same goal; without them
                these stay at 0.5, and accuracies are not compared.
            explained_errors: For how many of the surest mistakes to find the words that led to them, for the page of
                the report; needs the extra `explain`, and a second for a short text, several for a long one.
            cascade: As for `predict`; the report has the figures of the texts that either of the two answered.

        Raises:
            DataError: A text cannot be classified, it is not certain which of the model's labels one means, the lengths
                differ, there are too many slices, or `train` or `validation` has one label only.
            ConfigError: `explained_errors` is below 0.
            ModelError: The model has no cascade.
            MissingExtraError: Mistakes are to be explained, and captum is not installed.
        """
        from imdb_sentiment.data.slices import checked_slices
        from imdb_sentiment.evaluation.report import full_report, with_provenance
        from imdb_sentiment.inference.measured_rows import measured_rows, slices_of

        if explained_errors < 0:
            raise ConfigError(f"explained_errors={explained_errors} is no number of rows", expected="0 or more")
        given = checked_slices({} if slices is None else slices)
        (listed, true), read_as = self._labelled(texts, labels)
        with self._computing_as("fp32"):  # or a report would differ with the machine, and from the model's card
            scores, computed_with = self._scorer_for(cascade).score(listed), self._numeric_precision
        measured = measured_rows(scores, listed, true, self.metadata.calibration)
        seen = None if self._artifact.seen is None else self._artifact.seen.known(listed)
        groups = slices_of(scores, measured) | given
        if wrong := [name for name, column in groups.items() if len(column) != len(true)]:
            raise DataError(f"the slices {list_values(wrong)} do not fit", expected=f"{len(true):,} values each")
        report = full_report(
            measured,
            names=self.labels,
            seen=seen,
            groups=groups,
            train=None if train is None else self._labelled_in_two("train", train),
            validation=None if validation is None else self._labelled_in_two("validation", validation),
        ).with_labels_read_as(read_as)
        mistakes = (report.unseen or report).confident_errors(count=explained_errors)
        told = {mistake.row: self.explain(listed[mistake.row - 1]) for mistake in mistakes}
        for warning in filter(None, (report.flipped_warning(), report.seen_warning())):
            warnings.warn(warning, stacklevel=2)
        background = self.metadata.background()._replace(explanations=told)
        return with_provenance(report, background, numeric_precision=computed_with)

    def _labelled(self, texts: TextsLike, labels: Iterable[Any]) -> tuple[Labelled, Mapping[str, str]]:
        """Return the texts with their labels as numbers, and how the labels were read; DataError if they do not fit."""
        listed = self._checked(texts)
        ids, read_as = match_labels(labels, self.metadata.labels, rows=len(listed))
        return Labelled(listed, ids), read_as

    def _labelled_in_two(self, name: str, given: tuple[TextsLike, Iterable[Any]]) -> Labelled:
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise DataError(f"{name} must be texts and labels", found=quote(given), hint=f"{name}=(texts, labels)")
        rows, _ = self._labelled(*given)
        if len(set(rows.labels)) == 1:
            found, expected = f"only {cut(self.labels[rows.labels[0]])}", f"both {' and '.join(map(cut, self.labels))}"
            raise DataError(f"{name} has one label only", found=found, expected=expected)
        return rows

    def explain(self, text: str | tuple[str, str]) -> Explanation:
        """Tell which words of a text spoke for its label, by integrated gradients. Needs the extra `explain`.

        Args:
            text: A text; for a model of two text columns, a pair.

        Raises:
            DataError: It is not what the model reads, or is blank.
            MissingExtraError: captum is not installed.

        Source: Sundararajan, Taly and Yan, Axiomatic Attribution for Deep Networks (2017).
        """
        from imdb_sentiment.inference.attribution import explain_text

        one: Any = [text]
        (checked,) = self._checked(one)
        artifact = self._with_weights("explain")
        return explain_text(artifact.model, artifact.encoder, checked, labels=self.labels, threshold=self.threshold)

    def seen_in_training(
        self, texts: str | TextsLike, *, split: Literal["train", "validation"] = "train"
    ) -> list[bool]:
        """Tell which texts the model was trained on.

        A text is known again in other case, white space, HTML breaks and invisible characters, but not with other
        words. Validation rows, on which the best epoch was chosen, are not counted; `evaluate` counts them too.

        Args:
            texts: What `predict` takes, n of them.
            split: `validation` to tell which texts epoch, temperature and threshold were chosen on instead.

        Returns:
            For each text, in their order, whether it was among the rows of the split.

        Raises:
            DataError: An item is not what the model reads; the message gives its position, counted from 1.
            ModelError: The model folder has no fingerprints of its training rows.
        """
        listed = self._checked(texts)
        if self._artifact.seen is None:
            raise ModelError(
                "it is not known which texts the model was trained on",
                found=f"no {SEEN_ROWS_FILE} in its folder",
                expected="the file that was saved with the model",
            )
        seen = self._artifact.seen
        return seen.trained_on(listed) if split == "train" else seen.chosen_on(listed)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str = "Model of imdb_sentiment",
    ) -> str:
        """Send the model to the Hugging Face hub, where `from_pretrained` and a stock pipeline open it by its id.

        All of its folder goes, as one commit, in the place of weights that are there; other files are left alone. Look
        at two of the files before making them public: `imdb_sentiment.json` names the source of the data, and by
        `seen_rows.npz` whoever has a text can tell whether the model learnt from it.

        Args:
            repo_id: Repository, such as `someone/spam`, or `spam` for your own. It is made if there is none.
            private: Whether a repository that is made is private; by default as its owner has set it.
            token: Token with the right to write; by default the one that `hf auth login` or `HF_TOKEN` gave.
            commit_message: What the history of the repository says of it.

        Returns:
            The address of the repository.

        Raises:
            ConfigError: The hub does not let it be written there, or no repository can have that name.
            HubUnavailableError: The hub did not answer.
        """
        from imdb_sentiment.persistence.hub import push_artifact

        return push_artifact(
            self._with_weights("push_to_hub"), repo_id, private=private, token=token, message=commit_message
        )

    def export(
        self,
        folder: str | PathLike[str],
        *,
        format: Literal["onnx"] = "onnx",  # noqa: A002
        quantize: Literal["int8"] | None = None,
        texts: TextsLike | None = None,
        labels: Iterable[int | str] | None = None,
        overwrite: bool = False,
    ) -> ExportReport:
        """Write the model in a form that needs no PyTorch and is quicker on a CPU. Needs the extra `onnx`.

        What was written is compared with this model before it is kept. Give texts of your own, as many as there are:
        how much rounding changes depends on them.

        Args:
            folder: Where to. `from_pretrained` opens it.
            format: `onnx`, for ONNX Runtime or OpenVINO on a CPU.
            quantize: `int8` rounds the weights to eight bits: a quarter of the size, and quicker in ONNX Runtime.
            texts: What the two are compared on; by default reviews that come with the library.
            labels: Their labels, for the accuracy before and after; as for `evaluate`.
            overwrite: Replace a model of this library that is there. Nothing else is ever overwritten.

        Raises:
            ConfigError: There is no such format or rounding, or labels are given without texts.
            DataError: A text cannot be classified, or a label is not one of the model's.
            MissingExtraError: What ONNX needs is not installed.
            ModelError: Fewer than 99 % of the texts get the same label; nothing was kept.
            OutputExistsError: The folder is not empty.
        """
        from imdb_sentiment.data.sample import sample_texts
        from imdb_sentiment.persistence.onnx_model import export_artifact

        if format != "onnx" or quantize not in (None, "int8"):
            raise ConfigError(
                f"format={quote(format)}, quantize={quote(quantize)} is not known", expected="onnx; int8 or None"
            )
        if labels is not None and texts is None:
            raise ConfigError("labels are given without the texts that have them")
        artifact = self._with_weights("export")
        if texts is None:
            paired = len(self.metadata.text_columns) == 2
            given: Texts = [(text, text) for text in sample_texts()] if paired else sample_texts()
        else:
            given = self._checked(texts)
        true: list[int] | None = None
        read_as: Mapping[str, str] = {}
        if labels is not None:
            true, read_as = match_labels(labels, self.metadata.labels, rows=len(given))
        report = export_artifact(
            as_path(folder, "folder"),
            artifact,
            quantize=quantize,
            texts=given,
            labels=true,
            expected=score_texts(artifact.model, artifact.encoder, given),
            threshold=self.threshold,
            overwrite=overwrite,
        )
        if warning := report.flipped_warning(read_as):
            warnings.warn(warning, stacklevel=2)
        return report

    def _with_weights(self, purpose: str) -> Artifact:
        if isinstance(self._artifact, Exported):
            raise ModelError(
                f"{purpose} needs the weights, which an exported model does not have",
                hint="the folder that it was exported from",
            )
        return self._artifact

    def _scorer_for(self, cascade: bool) -> Scorer | CascadeScorer:
        if not isinstance(cascade, bool):
            raise ConfigError(f"cascade={quote(cascade)} is not a yes or no", expected="True or False")
        if not cascade:
            return self._scorer
        if self._artifact.cascade is None:
            raise ModelError(
                "the model has no cascade",
                expected=Advice("a model trained with ", Either("FineTuneConfig(cascade=True)", "train --cascade")),
            )
        return CascadeScorer(self._scorer, self._artifact.cascade, threshold=self.threshold)

    def _checked(self, texts: str | TextsLike) -> Texts:
        return checked_texts(texts, self.metadata.text_columns)


@lru_cache(maxsize=2)
def _reopen(kind: type[SentimentClassifier], opening: Opening, identity: str) -> SentimentClassifier:
    """Open a model that another process sent, or give it again: tasks that follow each other share it."""
    classifier = kind.from_pretrained(**opening._asdict())
    if classifier._identity != identity:
        raise ModelError(
            f"{opening.path} is another model here than where the work was given out",
            hint="a folder that all machines see, and that stays as it is",
        )
    return classifier
