"""How a model was opened, so that another process can open it likewise."""

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
        """Return them with the path of a folder made absolute: other processes may stand elsewhere.

        Args:
            path: Folder on disk, or the id of a repository on the hub, which stays as it is.
            revision: As given.
            device: As given; another machine may have another by default.
            precision: What `auto` came to, as a trial elsewhere might come to something else.
            max_tokens_per_forward: As given.
        """
        folder = Path(path).expanduser()
        place = str(folder.resolve()) if folder.is_dir() else str(path)
        return cls(place, revision, device, precision, max_tokens_per_forward)
