"""The folder of an exported model: an ONNX graph, and what it takes to feed it without PyTorch."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from imdb_sentiment.data.seen import SeenRows
from imdb_sentiment.encoding import TextEncoder
from imdb_sentiment.metadata import ModelMetadata
from imdb_sentiment.model_files import read_json
from imdb_sentiment.model_folder import check_label_names, read_cascade, read_metadata, read_seen
from imdb_sentiment.saved_tokenizer import check_tokenizer, open_tokenizer
from imdb_sentiment.scoring.cascade import Cascade

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

__all__ = ["GRAPH_FILE", "Exported", "load_exported"]

GRAPH_FILE = "model.onnx"


class Exported(NamedTuple):
    """What the folder of an exported model holds."""

    graph: Path
    encoder: TextEncoder
    metadata: ModelMetadata
    seen: SeenRows | None
    """None if the file was removed."""

    cascade: Cascade | None
    """None unless the model was trained with one."""

    @property
    def rounded(self) -> bool:
        """Whether weights were rounded to eight bits."""
        return bool((self.metadata.export or {}).get("quantize"))


def load_exported(folder: Path) -> Exported:
    """Open a folder that `SentimentClassifier.export` wrote.

    Raises:
        ModelError: It is no such folder, or its label names disagree.
    """
    metadata = read_metadata(folder)
    settings = read_json(folder / "config.json")
    check_label_names(folder, settings, metadata)
    tokenizer = open_tokenizer(folder / "tokenizer.json", read_json(folder / "tokenizer_config.json"))
    words, policy = settings.get("vocab_size"), metadata.length_policy
    vocabulary = words if isinstance(words, int) else None
    check_tokenizer(tokenizer, str(folder), vocabulary=vocabulary, max_length=policy.max_length)
    encoder = TextEncoder(
        cast("PreTrainedTokenizerFast", tokenizer),  # has what the encoder reads of it
        max_length=policy.max_length,
        truncation=policy.truncation,
    )
    return Exported(folder / GRAPH_FILE, encoder, metadata, read_seen(folder), read_cascade(folder, metadata))
