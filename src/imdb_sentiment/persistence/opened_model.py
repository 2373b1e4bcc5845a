"""A saved model that was opened for scoring, and how it was opened."""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, lru_cache
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from imdb_sentiment.data.fingerprints import SEEN_ROWS_FILE, TrainingFingerprints
from imdb_sentiment.data.labels import Texts
from imdb_sentiment.data.word_sets import WORDS_FILE, WordSets
from imdb_sentiment.errors import ConfigError, ModelError
from imdb_sentiment.evaluation.held_out import HELD_OUT_FILE, HeldOutRows
from imdb_sentiment.inference.cascade import Cascade, CascadeScorer
from imdb_sentiment.inference.inputs import Combination, TextsLike, checked_texts
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.inference.torch_backend import TorchBackend, open_backend
from imdb_sentiment.models.device import Precision, usable_device
from imdb_sentiment.persistence.folder import find_folder
from imdb_sentiment.persistence.metadata import CalibrationSection
from imdb_sentiment.persistence.onnx_model import GRAPH_FILE, Exported, load_exported
from imdb_sentiment.persistence.torch_model import Artifact, load_artifact, load_third_party
from imdb_sentiment.runtime.files import METADATA_FILE, as_path
from imdb_sentiment.runtime.messages import Advice, Either, Setting, quote

if TYPE_CHECKING:
    from imdb_sentiment.evaluation.abstention import Promise
    from imdb_sentiment.inference.ensemble import EnsembleScorer
    from imdb_sentiment.inference.row_labels import RowLabeler
    from imdb_sentiment.results.abstention import Abstention
    from imdb_sentiment.results.inference import Explanation

__all__ = ["LoadArguments", "OpenedModel", "hold_model", "open_model"]

_Part = TypeVar("_Part")

_TRAINED_WITH = Advice("a model trained with ", Either("FineTuneConfig(cascade=True)", "train --cascade"))


class LoadArguments(NamedTuple):
    """The arguments of `SentimentClassifier.from_pretrained`, with which another process opens the same model."""

    path: str | PathLike[str]
    """Id of a repository on the hub, or a path: absolute in the end, as other processes may be in another folder."""

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

    @property
    def is_exported(self) -> bool:
        """Whether it is a graph without PyTorch's weights."""
        return isinstance(self.artifact, Exported)

    @cached_property
    def identity(self) -> str:
        """Fingerprint of what determines the predictions, and of nothing else, such as the folder's name.

        It takes as long as reading the weights.

        Raises:
            ModelError: The file of a graph was changed since it was opened.
        """
        metadata, tokenizer = self.artifact.metadata, self.artifact.encoder.tokenizer
        settings = {
            **metadata.model_dump(mode="json", include={"labels", "text_columns", "length_policy", "cascade"}),
            "cleans": metadata.cleaning.clean_text,
            "threshold": self.threshold,
            "reads": list(tokenizer.model_input_names),
            "padding": [tokenizer.pad_token_id, tokenizer.pad_token_type_id, tokenizer.padding_side],
        }
        parts = [
            json.dumps(settings, sort_keys=True).encode(),
            tokenizer.backend_tokenizer.to_str().encode(),
            self.scorer.backend.digest(),
        ]
        if self.artifact.cascade:
            tfidf = self.artifact.cascade.tfidf
            parts += [tfidf.idf.tobytes(), tfidf.weights.tobytes(), repr(tfidf.bias).encode()]
        if metadata.ensemble:
            parts.append(metadata.ensemble.model_dump_json().encode())
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def arguments(self) -> LoadArguments | None:
        """How to open the same model elsewhere, in the precision that a trial has chosen here.

        None if it was not opened from a folder.
        """
        backend = self.scorer.backend
        if self._arguments and isinstance(backend, TorchBackend):
            return self._arguments._replace(precision=backend.precision)
        return self._arguments

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

    def scorer_for(self, combination: Combination) -> "Scorer | CascadeScorer | EnsembleScorer":
        """Return what scores texts.

        Raises:
            ModelError: A cascade or an ensemble is asked for, and the model has none.
        """
        if combination == "cascade":
            return CascadeScorer(self.scorer, self._cascade("cascade"), threshold=self.threshold)
        return self.ensemble_scorer() if combination == "ensemble" else self.scorer

    def ensemble_scorer(self) -> "EnsembleScorer":
        """Return what scores texts with both models.

        Raises:
            ModelError: The model has no ensemble.
        """
        from imdb_sentiment.inference.ensemble import EnsembleScorer

        cascade = self._cascade("ensemble")
        if cascade.ensemble is None:
            found = "a folder that an earlier version saved, without the weights of the two models"
            raise ModelError("the model has no ensemble", found=found, expected=_TRAINED_WITH)
        return EnsembleScorer(self.scorer, cascade.tfidf, cascade.ensemble)

    def _cascade(self, what: str) -> Cascade:
        if self.artifact.cascade is None:
            raise ModelError(f"the model has no {what}", found="no TF-IDF model", expected=_TRAINED_WITH)
        return self.artifact.cascade

    def calibration_for(self, combination: Combination) -> CalibrationSection:
        """Return threshold and goal; an ensemble has a threshold of its own for the goal."""
        calibration, ensemble = self.artifact.metadata.calibration, self.artifact.metadata.ensemble
        if combination != "ensemble" or ensemble is None:
            return calibration
        return calibration.model_copy(update={"threshold": ensemble.threshold, "reached": ensemble.reached})

    def row_labeler(self, combination: Combination, *, abstain_below: float, abstain: str | None) -> "RowLabeler":
        """Return what labels rows of files and batches."""
        from imdb_sentiment.inference.row_labels import RowLabeler

        scorer, below = self.scorer_for(combination), self.abstains_below(abstain_below, abstain, combination)
        return RowLabeler(scorer, self.labels, self.calibration_for(combination).threshold, below, combination)

    def explain(self, text: str | tuple[str, str]) -> "Explanation":
        """Explain the prediction for a text; see `SentimentClassifier.explain`."""
        from imdb_sentiment.inference.attribution import explain_text

        artifact = self.with_weights("explain")
        return explain_text(artifact.model, artifact.encoder, text, labels=self.labels, threshold=self.threshold)

    def fingerprints(self) -> TrainingFingerprints:
        """Return the fingerprints of the training rows.

        Raises:
            ModelError: The model folder has none.
        """
        return _saved(self.artifact.seen, SEEN_ROWS_FILE, "which texts the model was trained on")

    def abstention(self, promise: str) -> "Abstention":
        """Choose when to abstain; see `SentimentClassifier.abstention`."""
        from imdb_sentiment.evaluation.abstention import Promise

        wanted = Promise.of(promise)  # first, as what is no promise is a mistake with any model
        return self._choose_abstention(wanted)

    @cached_property
    def _choose_abstention(self) -> "Callable[[Promise], Abstention]":
        """Chooses by the held-out rows, and remembers: it takes longer than to predict a text."""
        from imdb_sentiment.evaluation.abstention import choose_abstention

        held_out, threshold = self.held_out(), self.threshold
        return lru_cache(maxsize=16)(lambda promise: choose_abstention(promise, *held_out, threshold=threshold))

    def abstains_below(self, probability: object, promise: str | None, combination: Combination) -> tuple[float, float]:
        """Return the probability below which a prediction of each label is abstained.

        Raises:
            ConfigError: The probability is not one, the promise cannot be made, or it was not made for both models.
        """
        if isinstance(probability, bool) or not isinstance(probability, Real) or not 0 <= float(probability) <= 1:
            raise ConfigError(f"abstain_below={quote(probability)} is not a probability", expected="between 0 and 1")
        if promise is None:
            return float(probability), float(probability)
        if probability:
            raise ConfigError(f"abstain={quote(promise)} does not go with abstain_below", expected="one of them")
        if combination != "encoder":
            both = "a cascade" if combination == "cascade" else "an ensemble"
            raise ConfigError(
                f"abstain={quote(promise)} does not go with {both}",
                found=f"held-out rows with the probabilities of the encoder alone, and others in {both}",
                hint=Advice(Setting("abstain_below", 0.9), f", which promises nothing, or no {combination}"),
            )
        chosen = self.abstention(promise)
        return 0.0 if chosen.promise.startswith("precision") else chosen.probability, chosen.probability

    def held_out(self) -> HeldOutRows:
        """Return the held-out rows that the model was calibrated on.

        Raises:
            ModelError: The model folder has none.
        """
        return _saved(self.artifact.held_out, HELD_OUT_FILE, "how often the model is right")

    def training_words(self) -> WordSets:
        """Return the words of a sample of the training texts.

        Raises:
            ModelError: The model folder has none.
        """
        return _saved(self.artifact.words, WORDS_FILE, "what the model's training texts were like")

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


def _saved(part: _Part | None, file: str, unknown: str) -> _Part:
    """Return what was read from a file of the model folder; ModelError if the file is not there."""
    if part is None:
        raise ModelError(
            f"it is unknown {unknown}",
            found=f"no {file} in the model folder",
            expected="the file that was saved with the model",
            hint="copy the whole folder, or train and save the model again",
        )
    return part


def open_model(arguments: LoadArguments) -> OpenedModel:
    """Open a model; see `SentimentClassifier.from_pretrained`."""
    path, revision, device, precision, max_tokens = arguments
    most = None if max_tokens == "auto" else max_tokens
    if most is not None and most < 1:
        raise ConfigError(f"max_tokens_per_forward={most} leaves nothing to compute", expected="1 or more")
    if precision not in ("auto", "fp32", "bf16"):
        raise ConfigError(f"precision={quote(precision)} is not known", expected="auto, fp32 or bf16")
    folder = find_folder(str(as_path(path, "path")), revision)
    local = Path(path).expanduser()
    arguments = arguments._replace(path=str(local.resolve()) if local.is_dir() else str(path))
    artifact: Artifact | Exported
    if (folder / GRAPH_FILE).is_file():
        if device not in (None, "cpu"):
            raise ConfigError(f"device={quote(device)}: an exported model computes on the CPU", expected="cpu or none")
        from imdb_sentiment.inference.graph_backends import open_graph

        artifact = load_exported(folder)
        graph = open_graph(artifact.graph, quantized=artifact.quantized, precision=precision)
        scorer = Scorer(graph, artifact.encoder, max_tokens=most)
        scorer.try_out(pairs=len(artifact.metadata.text_columns) == 2)
        return OpenedModel(artifact, scorer, arguments)
    place = usable_device(device)
    artifact = load_artifact(folder) if (folder / METADATA_FILE).exists() else load_third_party(folder, str(path))
    model, encoder = artifact.model, artifact.encoder
    model.to(place)  # type: ignore[arg-type]
    Scorer(TorchBackend(model), encoder).try_out(pairs=len(artifact.metadata.text_columns) == 2)
    return OpenedModel(artifact, Scorer(open_backend(model, encoder, precision), encoder, max_tokens=most), arguments)


def hold_model(artifact: Artifact) -> OpenedModel:
    """Return a model that is in memory, for scoring in fp32."""
    return OpenedModel(artifact, Scorer(TorchBackend(artifact.model.eval()), artifact.encoder))
