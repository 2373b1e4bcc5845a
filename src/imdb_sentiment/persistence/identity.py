"""What tells one model from another: all that decides its answers, and nothing else."""

import hashlib
import json
from typing import TYPE_CHECKING

from imdb_sentiment.inference.scorer import Backend

if TYPE_CHECKING:
    from imdb_sentiment.persistence.onnx_model import Exported
    from imdb_sentiment.persistence.torch_model import Artifact

__all__ = ["identity_of"]


def identity_of(artifact: "Artifact | Exported", backend: Backend) -> str:
    """Return the same for models that answer the same, wherever they lie and whatever they were called.

    Weights are read in full, at about a gigabyte a second.

    Raises:
        ModelError: The file of a graph was changed since it was opened.
    """
    metadata, tokenizer = artifact.metadata, artifact.encoder.tokenizer
    settings = {
        **metadata.model_dump(mode="json", include={"labels", "text_columns", "length_policy", "cascade"}),
        "cleans": metadata.cleaning.clean_text,
        "threshold": metadata.calibration.threshold,
        "reads": list(tokenizer.model_input_names),
        "padding": [tokenizer.pad_token_id, tokenizer.pad_token_type_id, tokenizer.padding_side],
    }
    parts = [
        json.dumps(settings, sort_keys=True).encode(),
        tokenizer.backend_tokenizer.to_str().encode(),
        backend.digest(),
    ]
    if artifact.cascade:
        words = artifact.cascade.words
        parts += [words.rarity.tobytes(), words.weights.tobytes(), repr(words.bias).encode()]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hashlib.sha256(digests).hexdigest()
