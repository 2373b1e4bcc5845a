"""Fingerprint of a model: everything that determines its predictions, and nothing else."""

import hashlib
import json
from typing import TYPE_CHECKING

from imdb_sentiment.inference.scorer import Backend

if TYPE_CHECKING:
    from imdb_sentiment.persistence.onnx_model import Exported
    from imdb_sentiment.persistence.torch_model import Artifact

__all__ = ["identity_of"]


def identity_of(artifact: "Artifact | Exported", backend: Backend) -> str:
    """Return the fingerprint of a model, which does not depend on its location or name.

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
        tfidf = artifact.cascade.tfidf
        parts += [tfidf.idf.tobytes(), tfidf.weights.tobytes(), repr(tfidf.bias).encode()]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hashlib.sha256(digests).hexdigest()
