"""Export to ONNX, comparison with the original, and loading of exported models."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.data.fingerprints import TrainingFingerprints
from imdb_sentiment.data.labels import match_labels
from imdb_sentiment.data.word_sets import WordSets
from imdb_sentiment.errors import ConfigError, MissingExtraError, ModelError
from imdb_sentiment.evaluation.held_out import HeldOutRows
from imdb_sentiment.inference.cascade import Cascade
from imdb_sentiment.inference.inputs import TextsLike, checked_texts
from imdb_sentiment.inference.scorer import Scorer
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.acceleration import first_token_only
from imdb_sentiment.models.model_files import read_json
from imdb_sentiment.models.tokenization import TextEncoder
from imdb_sentiment.models.tokenizer import check_tokenizer, open_tokenizer
from imdb_sentiment.persistence.folder import check_label_names, read_metadata, read_rows
from imdb_sentiment.persistence.metadata import ModelMetadata
from imdb_sentiment.persistence.torch_model import Artifact, write_all_but_weights
from imdb_sentiment.results.inference import ExportReport
from imdb_sentiment.runtime.files import check_output, new_folder
from imdb_sentiment.runtime.huggingface import quiet
from imdb_sentiment.runtime.process_wide import COMPUTE_LOCK, LOADING_LOCK, WARNINGS_LOCK
from imdb_sentiment.runtime.silence import silent_output

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["GRAPH_FILE", "Exported", "Quantize", "export_artifact", "load_exported"]

GRAPH_FILE = "model.onnx"

Quantize = Literal["int8"]
_SAME_LABELS = 0.99
_TRACE_TEXT = "words to trace the model with"


class Exported(NamedTuple):
    """Content of an exported model's folder."""

    graph: Path
    encoder: TextEncoder
    metadata: ModelMetadata
    seen: TrainingFingerprints | None
    """None if the file was removed."""

    cascade: Cascade | None
    """None unless the model was trained with one."""

    held_out: HeldOutRows | None
    """None if the file was removed."""

    words: WordSets | None
    """None if the file was removed."""

    @property
    def quantized(self) -> bool:
        """Return whether the weights are quantized to int8."""
        return bool((self.metadata.export or {}).get("quantize"))


def load_exported(folder: Path) -> Exported:
    """Load a folder that `SentimentClassifier.export` wrote.

    Raises:
        ModelError: The folder is incomplete, or its label names are inconsistent.
    """
    metadata = read_metadata(folder)
    settings = read_json(folder / "config.json")
    check_label_names(folder, settings, metadata)
    tokenizer = open_tokenizer(folder / "tokenizer.json", read_json(folder / "tokenizer_config.json"))
    size, policy = settings.get("vocab_size"), metadata.length_policy
    vocabulary = size if isinstance(size, int) else None
    check_tokenizer(tokenizer, str(folder), vocabulary=vocabulary, max_length=policy.max_length)
    encoder = TextEncoder(
        cast("PreTrainedTokenizerFast", tokenizer),  # has the attributes that the encoder uses
        max_length=policy.max_length,
        truncation=policy.truncation,
        long_texts=policy.long_texts,
    )
    return Exported(folder / GRAPH_FILE, encoder, metadata, *read_rows(folder, metadata))


def export_artifact(
    folder: Path,
    artifact: Artifact,
    *,
    quantize: Quantize | None,
    texts: TextsLike | None,
    labels: Iterable[Any] | None,
    overwrite: bool,
) -> ExportReport:
    """Export a model to a folder, atomically; see `SentimentClassifier.export`."""
    if labels is not None and texts is None:
        raise ConfigError("labels are given without the texts that have them")
    metadata, threshold = artifact.metadata, artifact.metadata.calibration.threshold
    if texts is None:
        from imdb_sentiment.data.sample import sample_texts  # serving does not need it

        texts = [(text, text) for text in sample_texts()] if len(metadata.text_columns) == 2 else sample_texts()
    texts = checked_texts(texts, metadata.text_columns)
    true, read_as = (None, {}) if labels is None else match_labels(labels, metadata.labels, rows=len(texts))
    before = score_texts(artifact.model, artifact.encoder, texts).probabilities[:, 1]
    check_output(folder, overwrite=overwrite)
    with new_folder(folder, overwrite=overwrite) as partial:
        _write_graph(partial / GRAPH_FILE, artifact, quantize)
        from imdb_sentiment.inference.graph_backends import open_graph

        # in fp32: bf16 would reject a right graph if many probabilities are near the threshold
        precision: Literal["auto", "fp32"] = "auto" if quantize else "fp32"
        backend = open_graph(partial / GRAPH_FILE, quantized=quantize is not None, precision=precision)
        after = Scorer(backend, artifact.encoder).score(texts).probabilities[:, 1]
        report = ExportReport(
            format="onnx",
            quantize=quantize,
            runtime=backend.runtime,
            texts=len(texts),
            same_labels=float(((before > threshold) == (after > threshold)).mean()),
            largest_difference=float(abs(before - after).max()),
            accuracy=(_accuracy(before, threshold, true), _accuracy(after, threshold, true)) if true else None,
            megabytes=(_megabytes(artifact), (partial / GRAPH_FILE).stat().st_size / 1e6),
        )
        if report.same_labels < _SAME_LABELS:
            raise ModelError(
                "the exported model differs from the original, and was not kept",
                found=f"{report.same_labels:.1%} of {report.texts:,} texts get the same label",
                expected=f"{_SAME_LABELS:.0%} or more",
                hint="without quantize" if quantize else None,
            )
        artifact = artifact._replace(metadata=metadata.model_copy(update={"export": report.to_dict()}))
        with quiet():
            artifact.model.config.save_pretrained(partial)
            write_all_but_weights(partial, artifact, name=folder.resolve().name)
    if warning := report.flipped_warning(read_as):
        warnings.warn(warning, stacklevel=3)  # at the call of `export`
    return report


def _write_graph(file: Path, artifact: Artifact, quantize: Quantize | None) -> None:
    try:
        with LOADING_LOCK:
            import onnx_ir
            from transformers.exporters import OnnxRuntimeDynamicConfig, OnnxRuntimeQuantizer
            from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
    except ImportError:
        raise MissingExtraError(
            "export to ONNX needs the extra 'onnx'", hint="pip install 'imdb-sentiment[onnx]'"
        ) from None
    quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig(per_channel=True)) if quantize else None
    config = OnnxConfig(dynamic=True, quantizer=quantizer)  # not optimized: both runtimes fuse operators themselves
    encoder, model = artifact.encoder, artifact.model
    texts = [(_TRACE_TEXT, _TRACE_TEXT)] * 2 if len(artifact.metadata.text_columns) == 2 else [_TRACE_TEXT] * 2
    rows = encoder.pad(encoder.encode(texts))
    inputs: dict[str, Any] = {name: values.to(model.device) for name, values in rows.items()}
    with silent_output(), quiet(), first_token_only(model), LOADING_LOCK, COMPUTE_LOCK.exclusive(), WARNINGS_LOCK:
        program = OnnxExporter().export(model, inputs, config=config)
        onnx_ir.save(program.program, file)


def _accuracy(positive: NDArray[np.float32], threshold: float, labels: Sequence[int]) -> float:
    return float(((positive > threshold) == np.asarray(labels)).mean())


def _megabytes(artifact: Artifact) -> float:
    return sum(value.numel() * value.element_size() for value in artifact.model.parameters()) / 1e6
