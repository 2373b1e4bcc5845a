"""Load arguments of a model, so that another process can load it in the same way."""

from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple, Self

from imdb_sentiment.models.device import Precision

__all__ = ["Opening"]


class Opening(NamedTuple):
    """The arguments of `SentimentClassifier.from_pretrained`."""

    path: str
    revision: str | None
    device: str | None
    precision: Literal["auto"] | Precision
    max_tokens_per_forward: int | Literal["auto"]

    @classmethod
    def of(
        cls,
        path: str | PathLike[str],
        revision: str | None,
        device: str | None,
        precision: Literal["auto"] | Precision,
        max_tokens_per_forward: int | Literal["auto"],
    ) -> Self:
        """Return the arguments, with an absolute path for a folder.

        Args:
            path: Folder on disk, or the id of a repository on the hub.
            revision: As given.
            device: As given; another machine may have another default.
            precision: The precision in use, since a trial in another process may choose differently.
            max_tokens_per_forward: As given.
        """
        folder = Path(path).expanduser()
        name = str(folder.resolve()) if folder.is_dir() else str(path)
        return cls(name, revision, device, precision, max_tokens_per_forward)
