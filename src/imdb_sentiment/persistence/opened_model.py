"""A saved model that was opened for scoring, and how it was opened."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imdb_sentiment.data.labels import Labelled, Texts, match_labels
from imdb_sentiment.errors import ConfigError, DataError, ModelError
from imdb_sentiment.inference.cascade import CascadeScorer
from imdb_sentiment.inference.inputs import TextsLike, checked_texts
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.inference.torch_backend import TorchBackend, open_backend
from imdb_sentiment.models.device import Precision, usable_device
from imdb_sentiment.persistence.folder import find_folder
from imdb_sentiment.persistence.identity import identity_of
from imdb_sentiment.persistence.onnx_model import GRAPH_FILE, Exported, load_exported
from imdb_sentiment.persistence.torch_model import Artifact, load_artifact, load_third_party
from imdb_sentiment.runtime.files import METADATA_FILE, as_path
from imdb_sentiment.runtime.messages import Advice, Either, cut, quote

if TYPE_CHECKING:
    from imdb_sentiment.inference.row_labels import RowLabeler

__all__ = ["LoadArguments", "OpenedModel", "open_model"]


class LoadArguments(NamedTuple):
    """The arguments of `SentimentClassifier.from_pretrained`, with which another process opens the same model."""

    path: str
    """Id of a repository on the hub, or an absolute path: other processes may have another working directory."""

    revision: str | None
    device: str | None
    """As given; another machine may have another by default."""

    precision: Literal["auto"] | Precision
    max_tokens_per_forward: int | Literal["auto"]


class OpenedModel:
    """A model with what scores texts by it.

    Args:
        artifact: The model with its metadata.
        scorer: Scores texts.
        arguments: How it was opened; None if it was not opened from a folder.
    """

    def __init__(self, artifact: Artifact | Exported, scorer: Scorer, arguments: LoadArguments | None = None) -> None:
        self.artifact, self.scorer, self._arguments = artifact, scorer, arguments

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the negative and of the positive label."""
        names = self.artifact.metadata.labels
        return names.negative, names.positive

    @property
    def threshold(self) -> float:
        """A text is called positive if its positive probability is above it."""
        return self.artifact.metadata.calibration.threshold

    @cached_property
    def identity(self) -> str:
        """The same for models that answer the same; it takes as long as reading the weights."""
        return identity_of(self.artifact, self.scorer.backend)

    @property
    def arguments(self) -> LoadArguments:
        """How to open the same model elsewhere, in the precision that a trial has chosen here.

        Raises:
            TypeError: It was not opened from a folder.
        """
        if self._arguments is None:
            raise TypeError("a classifier can be pickled if from_pretrained opened it")
        backend = self.scorer.backend
        return (
            self._arguments._replace(precision=backend.precision)
            if isinstance(backend, TorchBackend)
            else self._arguments
        )

    @property
    def numeric_precision(self) -> str | None:
        """What the model computes in, whether it was chosen here or not."""
        backend = self.scorer.backend
        precision: str | None = getattr(backend, "precision", None)  # optional in a backend
        return precision

    def computing_as(self, precision: Precision | None) -> AbstractContextManager[None]:
        """Compute in another precision than a trial has chosen, unless the user chose one; None changes nothing."""
        backend = self.scorer.backend
        return backend.computing_as(precision) if isinstance(backend, TorchBackend) else nullcontext()

    def scorer_for(self, cascade: bool) -> Scorer | CascadeScorer:
        """Return what scores texts.

        Raises:
            ConfigError: `cascade` is not a bool.
            ModelError: A cascade is asked for, and the model has none.
        """
        if not isinstance(cascade, bool):
            raise ConfigError(f"cascade={quote(cascade)} is not a bool", expected="True or False")
        if not cascade:
            return self.scorer
        if self.artifact.cascade is None:
            raise ModelError(
                "the model has no cascade",
                expected=Advice("a model trained with ", Either("FineTuneConfig(cascade=True)", "train --cascade")),
            )
        return CascadeScorer(self.scorer, self.artifact.cascade, threshold=self.threshold)

    def row_labeler(self, cascade: bool) -> "RowLabeler":
        """Return what labels rows of files and batches."""
        from imdb_sentiment.inference.row_labels import RowLabeler

        scorer = self.scorer_for(cascade)
        return RowLabeler(scorer, self.labels, self.threshold, self.identity, cascade, self.numeric_precision)

    def with_weights(self, purpose: str) -> Artifact:
        """Return the model with its weights.

        Raises:
            ModelError: It is an exported graph.
        """
        if isinstance(self.artifact, Exported):
            raise ModelError(
                f"{purpose} needs the weights, which an exported model does not have",
                hint="the folder that it was exported from",
            )
        return self.artifact

    def text_columns(self, requested: Sequence[str] | None) -> tuple[str, ...]:
        """Return the columns that hold the text: by default those the model was trained on.

        Raises:
            ConfigError: They are not as many as the model reads.
        """
        own = self.artifact.metadata.text_columns
        columns = tuple(requested or own)
        if isinstance(requested, str) or len(columns) != len(own):
            expected = "a list of two names" if len(own) == 2 else "a list of one name"
            raise ConfigError(f"text_columns={quote(requested)} does not suit the model", expected=expected)
        return columns

    def check_texts(self, texts: str | TextsLike) -> Texts:
        """Return texts, or pairs, as a list; DataError if one cannot be classified."""
        return checked_texts(texts, self.artifact.metadata.text_columns)

    def match_labels(self, labels: Iterable[Any], rows: int) -> tuple[list[int], Mapping[str, str]]:
        """Return labels as 0 and 1, and how those in another spelling were read; DataError if one is not certain."""
        return match_labels(labels, self.artifact.metadata.labels, rows=rows)

    def check_both_labels(self, name: str, given: object) -> Labelled:
        """Return the texts and labels of an argument called `name`; DataError if they are not both, or of one label."""
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise DataError(f"{name} must be texts and labels", found=quote(given), hint=f"{name}=(texts, labels)")
        texts = self.check_texts(given[0])
        labels, _ = self.match_labels(given[1], len(texts))
        if len(set(labels)) == 1:
            found, expected = f"only {cut(self.labels[labels[0]])}", f"both {' and '.join(map(cut, self.labels))}"
            raise DataError(f"{name} has one label only", found=found, expected=expected)
        return Labelled(texts, labels)


def open_model(
    path: str | PathLike[str],
    *,
    revision: str | None,
    device: str | None,
    precision: Literal["auto"] | Precision,
    max_tokens_per_forward: int | Literal["auto"],
) -> OpenedModel:
    """Open a model; see `SentimentClassifier.from_pretrained`."""
    most = None if max_tokens_per_forward == "auto" else max_tokens_per_forward
    if most is not None and most < 1:
        raise ConfigError(f"max_tokens_per_forward={most} leaves nothing to compute", expected="1 or more")
    if precision not in ("auto", "fp32", "bf16"):
        raise ConfigError(f"precision={quote(precision)} is not known", expected="auto, fp32 or bf16")
    folder = find_folder(str(as_path(path, "path")), revision)
    local = Path(path).expanduser()
    arguments = LoadArguments(
        str(local.resolve()) if local.is_dir() else str(path), revision, device, precision, max_tokens_per_forward
    )
    if (folder / GRAPH_FILE).is_file():
        if device not in (None, "cpu"):
            raise ConfigError(f"device={quote(device)}: an exported model computes on the CPU", expected="cpu or none")
        exported = load_exported(folder)
        from imdb_sentiment.inference.graph_backends import open_graph

        graph = open_graph(exported.graph, quantized=exported.quantized, precision=precision)
        scorer = Scorer(graph, exported.encoder, max_tokens=most)
        scorer.try_out(pairs=len(exported.metadata.text_columns) == 2)
        return OpenedModel(exported, scorer, arguments)
    place = usable_device(device)
    artifact = load_artifact(folder) if (folder / METADATA_FILE).exists() else load_third_party(folder, str(path))
    model, encoder = artifact.model, artifact.encoder
    model.to(place)  # type: ignore[arg-type]
    Scorer(TorchBackend(model), encoder).try_out(pairs=len(artifact.metadata.text_columns) == 2)
    return OpenedModel(artifact, Scorer(open_backend(model, encoder, precision), encoder, max_tokens=most), arguments)
