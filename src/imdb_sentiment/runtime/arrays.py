"""Save arrays in one NumPy file without pickles, and load them without trusting its metadata."""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load_arrays", "save_arrays"]

_MAX_HEADER = 500


def save_arrays(path: Path, arrays: "Mapping[str, NDArray[Any]]") -> None:
    """Write arrays by name, uncompressed."""
    import numpy as np

    np.savez(path, allow_pickle=False, **arrays)


def load_arrays(path: Path, kinds: "Mapping[str, tuple[type[np.generic], tuple[int | None, ...]]]") -> list[Any]:
    """Read a file written by `save_arrays`, with no more memory than the size of the file.

    Args:
        path: The file.
        kinds: Required arrays by name, with type and shape; None allows any length.

    Returns:
        The arrays, in the order of `kinds`.

    Raises:
        OSError: The file is missing or cannot be read.
        ValueError: The file is damaged, or an array is missing or has another type or shape.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            # uncompressed members whose sizes add up to at most that of the file cannot take more memory
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise ValueError("compressed arrays, which are never written")
            if sum(info.file_size for info in infos) > path.stat().st_size:
                raise ValueError("arrays that claim to be longer than the file")
            members = {info.filename: info.file_size for info in infos}
            if len(members) != len(infos):
                raise ValueError("two arrays of one name")
            arrays = []
            for name, (kind, shape) in kinds.items():
                if f"{name}.npy" not in members:
                    raise ValueError(f"no array {name!r}")
                with archive.open(f"{name}.npy") as member:
                    arrays.append(_read_array(member, members[f"{name}.npy"], name, kind, shape))
            return arrays
    except (OSError, ValueError):
        raise
    except Exception as error:  # from zipfile, or from parsing a malformed header
        raise ValueError(str(error)) from None


def _read_array(
    member: Any, size: int, name: str, kind: "type[np.generic]", shape: tuple[int | None, ...]
) -> "NDArray[Any]":
    import numpy as np
    from numpy.lib import format as npy

    if npy.read_magic(member) != (1, 0):
        raise ValueError(f"{name!r} is in a version of NumPy's format that is never written")
    found, _, dtype = npy.read_array_header_1_0(member, _MAX_HEADER)
    fits = len(found) == len(shape) and all(want in (None, have) for want, have in zip(shape, found, strict=True))
    if dtype != np.dtype(kind) or not fits:
        raise ValueError(f"{name!r} has an unexpected type or shape: {dtype.name}, {found}")
    content = member.read(size)
    if len(content) != math.prod(found) * dtype.itemsize:
        raise ValueError(f"{name!r} has another length than its header says")
    array = np.frombuffer(content, dtype=dtype).reshape(found)
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name!r} holds numbers that are infinite or not a number")
    return array
