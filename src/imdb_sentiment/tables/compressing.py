"""Files put together into one, compressed if its name says so."""

import gzip
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imdb_sentiment.data.compressed import COMPRESSIONS

__all__ = ["concatenate"]


def concatenate(parts: Sequence[Path], target: Path) -> None:
    """Write the content of several files into one.

    Args:
        parts: In order.
        target: Named `NAME.partial` while it is written; the suffix before that tells its compression.
    """
    with _open(target) as file:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, file)


@contextmanager
def _open(target: Path) -> Iterator[Any]:
    kind = COMPRESSIONS.get(Path(target.stem).suffix.lower())
    with target.open("wb") as plain:
        if kind == "gzip":
            with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as file:  # the same bytes whenever it is written
                yield file
        elif kind:
            import pyarrow as pa

            with pa.CompressedOutputStream(plain, "zstd") as file:
                yield file
        else:
            yield plain
