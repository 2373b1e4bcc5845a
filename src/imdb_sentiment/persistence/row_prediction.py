"""Prediction of the rows of streams, files, folders and tables by an opened model."""

from collections.abc import Iterator, Sequence
from itertools import islice
from os import PathLike
from typing import Any

from imdb_sentiment.data.data_like import is_table
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.inference.inputs import Combination, TextsLike, check_items, combination_of, listed_items
from imdb_sentiment.inference.scorer import SORTED_TEXTS
from imdb_sentiment.persistence.opened_model import OpenedModel
from imdb_sentiment.results.inference import FileReport, Prediction, Predictions
from imdb_sentiment.runtime.files import as_path

__all__ = ["RowPrediction"]


class RowPrediction:
    """The methods of `SentimentClassifier` for more rows than memory holds, and for tables."""

    _opened: OpenedModel

    def _predict(self, texts: Texts, abstain_below: tuple[float, float], combination: Combination) -> Predictions:
        scores = self._opened.scorer_for(combination).score(texts)
        threshold = self._opened.calibration_for(combination).threshold
        return scores.predictions(self._opened.labels, threshold=threshold, abstain_below=abstain_below)

    def predict_stream(
        self,
        texts: str | TextsLike,
        *,
        abstain_below: float = 0.0,
        abstain: str | None = None,
        cascade: bool = False,
        ensemble: bool = False,
    ) -> Iterator[Prediction]:
        """Classify texts like `predict`, reading a few thousand of an iterator at a time, without holding them all.

        If a text raises a `DataError`, the texts read before its group have been answered.

        Example:
            ```python
            with open("texts.txt", encoding="utf-8") as lines:
                labels = [prediction.label for prediction in classifier.predict_stream(lines)]
            ```
        """
        combination = combination_of(cascade=cascade, ensemble=ensemble)
        below = self._opened.abstains_below(abstain_below, abstain, combination)
        columns = self._opened.artifact.metadata.text_columns
        lazy: Any = isinstance(texts, Iterator) and not is_table(texts) and texts
        waiting: Iterator[Any] = iter(lazy or listed_items(texts, columns))
        before = 0
        while window := list(islice(waiting, SORTED_TEXTS)):
            yield from self._predict(check_items(window, columns, before=before), below, combination)
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
        abstain_below: float = 0.0,
        abstain: str | None = None,
        cascade: bool = False,
        ensemble: bool = False,
        overwrite: bool = False,
    ) -> FileReport:
        """Classify the rows of a file, and write them with the columns `label`, `score` and `reason` added.

        `reason` says why a row has no label: it has no text, its value is not a text, or the model abstains. Memory
        does not grow with the file. An interrupted run is resumed by the same call, and ends with the same bytes.

        Args:
            source: CSV, TSV, TXT, JSONL or Parquet, also with `.gz` or `.zst`.
            target: The file to write, of the same format; text is written as UTF-8.
            text_columns: Text column, or the two of a pair; by default those the model was trained on.
            prefix: Prefix of the three added columns.
            shard: `(2, 5)` scores the second fifth, for five processes that write five files.
            encoding: Of a text file; by default UTF-8 or as its byte order mark says.
            header: Whether a CSV or TSV file has a header. Without one, columns are named by position, from 1.
            spreadsheet_safe: Put an apostrophe before texts that a spreadsheet might take for a formula; CSV and TSV
                only.
            abstain_below: Give no label with a lower probability: the label is null, the score is that of the omitted
                label, and the reason is `abstained (perhaps positive)`.
            abstain: The same with a promise about the labels that are given, such as `error<=0.02`; see `abstention`.
            cascade: As for `predict`; the report counts the rows that the TF-IDF model answered.
            ensemble: As for `predict`.
            overwrite: Replace `target` if it exists.

        Raises:
            DataError: The source is missing, damaged, or lacks a column; nothing was written.
            ConfigError: An option is invalid, a column name is taken, the two formats differ, or the promise cannot be
                made.
            OutputExistsError: The target exists or cannot be written.

        Example:
            ```python
            report = classifier.predict_file("reviews.csv", "scored.csv", prefix="predicted_")
            print(report.rows, report.labels)
            ```
        """
        from imdb_sentiment.inference.file import FileJob, precision_of_parts, score_file

        combination = combination_of(cascade=cascade, ensemble=ensemble)
        model = self._opened
        columns = model.text_columns(text_columns)
        paths = as_path(source, "source"), as_path(target, "target")
        job = FileJob(*paths, columns, prefix, shard, encoding, header, spreadsheet_safe)
        with model.computing_as(precision_of_parts(job.target)):
            labeler = model.row_labeler(combination, abstain_below=abstain_below, abstain=abstain)
            job = job._replace(model=model.identity, precision=model.numeric_precision)
            return score_file(job, labeler, overwrite=overwrite)

    def predict_files(  # noqa: D417 - the others are those of predict_file
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
        abstain_below: float = 0.0,
        abstain: str | None = None,
        cascade: bool = False,
        ensemble: bool = False,
        overwrite: bool = False,
    ) -> FileReport:
        """Classify the rows of many files with Ray, each as `predict_file` does. Needs the extra `ray`.

        Each file is written to the same place in the output folder. An interrupted run is resumed by the same call, and
        ends with the same bytes; so does one that loses workers. The other options are those of `predict_file`.

        Args:
            source: A folder, searched recursively, or a pattern such as `reviews/*.parquet`.
            folder: The output folder.
            workers: Number of processes, each with one model; by default one per GPU of the cluster that Ray is
                connected to, or without GPUs one per CPU.
            overwrite: Replace existing files, and discard the output of another model or other options.

        Raises:
            DataError: There are no files, or some could not be scored; the others are.
            ConfigError: An option is invalid, or there is no cluster at `RAY_ADDRESS`.
            OutputExistsError: A file would be overwritten, or another process writes to the folder.
        """
        from imdb_sentiment.inference.folder import FolderJob, find_inputs, precision_of_run, score_folder
        from imdb_sentiment.inference.ray_engine import ray_workers

        combination = combination_of(cascade=cascade, ensemble=ensemble)
        model = self._opened
        model.scorer_for(combination)  # before anything is written
        model.abstains_below(abstain_below, abstain, combination)
        options = {
            "text_columns": list(model.text_columns(text_columns)),
            "prefix": prefix,
            "encoding": encoding,
            "header": header,
            "spreadsheet_safe": spreadsheet_safe,
            "abstain_below": abstain_below,
            "abstain": abstain,
            "cascade": cascade,
            "ensemble": ensemble,
        }
        target = as_path(folder, "folder").absolute()
        with model.computing_as(precision_of_run(target)):
            engine = ray_workers(self.predict_file, workers=workers, on_gpu=not model.is_exported)
            root, names = find_inputs(str(as_path(source, "source")), target)
            job = FolderJob(root, names, target, options, model.identity, model.numeric_precision)
            return score_folder(job, engine, overwrite=overwrite)

    def __call__(  # noqa: D417 - the others are those of predict_file
        self,
        batch: Any,
        *,
        text_columns: Sequence[str] | None = None,
        prefix: str = "",
        abstain_below: float = 0.0,
        abstain: str | None = None,
        cascade: bool = False,
        ensemble: bool = False,
    ) -> Any:
        """Classify the rows of a table, and return it with their labels; also for `map_batches` of Ray Data and Spark.

        A classifier can be pickled: each process opens the model once. The options are those of `predict_file`.

        Args:
            batch: A DataFrame of pandas or polars, a `datasets.Dataset`, a `pyarrow.Table` or `RecordBatch`, or a
                dictionary of NumPy arrays.

        Returns:
            A table of the same type with the columns of `predict_file` added: label, score, and the reason why a row
            has no label. What is missing is null (NaN in a NumPy array of scores). The index of pandas, and the order
            and format of a `datasets.Dataset`, stay.

        Raises:
            DataError: A column is missing, or the table is not in memory, such as a LazyFrame of polars.
            ConfigError: The type of the batch or an option is invalid, a column name is taken, or the promise cannot
                be made.

        Example:
            ```python
            scored = classifier(reviews, prefix="predicted_")  # a DataFrame
            wrong = scored[scored["predicted_label"] != scored["label"]]
            ```
        """
        from imdb_sentiment.inference.row_labels import score_batch

        combination = combination_of(cascade=cascade, ensemble=ensemble)
        labeler = self._opened.row_labeler(combination, abstain_below=abstain_below, abstain=abstain)
        return score_batch(batch, self._opened.text_columns(text_columns), prefix, labeler)
