"""A classifier that was made elsewhere: any two-label model of transformers, with what its own files say."""

from pathlib import Path

from imdb_sentiment.artifact import Artifact, check_trusted, load_weights
from imdb_sentiment.config import FineTuneConfig
from imdb_sentiment.data.labels import LabelNames
from imdb_sentiment.errors import ModelError
from imdb_sentiment.metadata import describe_foreign
from imdb_sentiment.model_folder import read_json
from imdb_sentiment.pretrained import load_encoder, positions_of

__all__ = ["load_foreign"]

_SHORTEST, _LONGEST = 8, 512
_UNNAMED = {"0": "LABEL_0", "1": "LABEL_1"}
"""What upstream calls two labels that nobody named, and leaves out of the file."""


def load_foreign(folder: Path, name: str) -> Artifact:
    """Open a folder without our file in it.

    The labels are called what `config.json` calls them, and its second one is the positive one. A longer text loses
    its end, as in a stock pipeline that is called with `truncation=True`. Nothing is cleaned or calibrated.

    Args:
        folder: A folder that transformers saved.
        name: What the user called it.

    Raises:
        ModelError: It is no classifier with two labels, or cannot be trusted.
    """
    settings = read_json(folder / "config.json")
    check_trusted(folder, settings)
    names = settings.get("id2label", _UNNAMED)
    if not isinstance(names, dict) or sorted(names) != ["0", "1"] or len(set(map(str, names.values()))) != 2:
        found = ", ".join(map(str, names.values())) if isinstance(names, dict) else str(names)
        raise ModelError(f"{name} is no classifier with two labels", found=found, expected="two names in id2label")
    model = load_weights(folder)
    config = FineTuneConfig(model_name=str(folder), max_length=_SHORTEST, truncation="head", clean_text=False)
    encoder = load_encoder(config).text_encoder
    limit = min(encoder.tokenizer.model_max_length, positions_of(model.config))
    encoder = encoder.cut_at(limit if limit < 2**20 else _LONGEST)  # upstream writes 10**30 for no limit
    labels = LabelNames(str(names["0"]), str(names["1"]))
    return Artifact(model, encoder, describe_foreign(name, encoder, labels), None)
