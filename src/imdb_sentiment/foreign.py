"""A classifier that was made elsewhere: any two-label model of transformers, with what its own files say."""

from pathlib import Path

from imdb_sentiment.artifact import Artifact, load_weights
from imdb_sentiment.config import FineTuneConfig
from imdb_sentiment.errors import ConfigError, ModelError
from imdb_sentiment.metadata import describe_foreign
from imdb_sentiment.model_files import check_settings
from imdb_sentiment.model_folder import read_label_names
from imdb_sentiment.pretrained import load_encoder, positions_of

__all__ = ["load_foreign"]

_SHORTEST, _LONGEST = 8, 512


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
    labels = read_label_names(check_settings(folder), name)
    model = load_weights(folder)
    config = FineTuneConfig(model_name=str(folder), max_length=_SHORTEST, truncation="head", clean_text=False)
    try:
        encoder = load_encoder(config).text_encoder
    except ConfigError as error:  # of a length that nobody asked for
        raise ModelError(f"{name} reads too few tokens", found=error.found, expected=f"{_SHORTEST} or more") from None
    limit = min(encoder.tokenizer.model_max_length, positions_of(model))
    encoder = encoder.cut_at(limit if limit < 2**20 else _LONGEST)  # upstream writes 10**30 for no limit
    return Artifact(model, encoder, describe_foreign(name, encoder, labels), None)
