"""Arrays in one file: read back as written, and refused in little memory whatever else the file holds."""

import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_sentiment.runtime.arrays import load_arrays, save_arrays

KINDS: dict[str, Any] = {"words": (np.uint64, (None,)), "weights": (np.float32, (4,)), "bias": (np.float64, ())}
GOOD: dict[str, Any] = {
    "words": np.arange(3, dtype=np.uint64),
    "weights": np.ones(4, dtype=np.float32),
    "bias": np.float64(0.5),
}


def header(shape: tuple[int, ...], kind: str = "<u8") -> bytes:
    """The beginning of an array that claims any shape and type."""
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) + 1) + text + b"\n"


def with_member(content: bytes, name: str = "words.npy", **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        save_arrays(path, {key: value for key, value in GOOD.items() if f"{key}.npy" != name})
        with zipfile.ZipFile(path, "a", **options) as archive:
            archive.writestr(name, content)

    return write


def with_array(name: str, value: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **{**GOOD, name: value})


def truncated(path: Path) -> None:
    save_arrays(path, GOOD)
    path.write_bytes(path.read_bytes()[:-40])


def overlapping(path: Path) -> None:
    """Members that all stand for the same bytes, so that together they are much longer than the file."""
    with_member(header((10**5,)) + b"\0" * 8 * 10**5)(path)
    content = path.read_bytes()
    start = content.rindex(b"PK\x01\x02")
    entry, end = content[start : content.rindex(b"PK\x05\x06")], bytearray(content[content.rindex(b"PK\x05\x06") :])
    copies = [entry.replace(b"words.npy", b"word%d.npy" % number) for number in range(10)]
    struct.pack_into("<HHI", end, 8, *[struct.unpack_from("<H", end, 8)[0] + 10] * 2, 0)
    directory = content[content.index(b"PK\x01\x02") : start] + entry + b"".join(copies)
    struct.pack_into("<II", end, 12, len(directory), content.index(b"PK\x01\x02"))
    path.write_bytes(content[: content.index(b"PK\x01\x02")] + directory + bytes(end))


BAD: dict[str, Callable[[Path], object]] = {
    "pickled objects": with_array("words", np.array([{}], dtype=object)),
    "bomb": with_member(header((10**7,)) + b"\0" * 8 * 10**7, compression=zipfile.ZIP_DEFLATED),
    "other shape": with_array("weights", np.ones(5, dtype=np.float32)),
    "other dimensions": with_array("words", np.ones((2, 2), dtype=np.uint64)),
    "other type": with_array("words", np.ones(3)),
    "other order of bytes": with_array("words", np.ones(3, dtype=">u8")),
    "truncated": truncated,
    "absurd shape": with_member(header((10**12,)) + b"\0" * 80),
    "shape beyond any integer": with_member(header((10**30,)) + b"\0" * 80),
    "negative shape": with_member(header((-10,)) + b"\0" * 80),
    "shorter than it says": with_member(header((10,)) + b"\0" * 8),
    "longer than it says": with_member(header((1,)) + b"\0" * 80),
    "header of brackets": with_member(b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000),
    "no header": with_member(b"no array at all"),
    "not a number": with_array("weights", np.array([0, np.nan, 0, 0], dtype=np.float32)),
    "infinite": with_array("bias", np.float64("inf")),
    "missing": lambda path: np.savez(path, weights=GOOD["weights"], bias=GOOD["bias"]),
    "overlapping": overlapping,
    "empty": lambda path: path.write_bytes(b""),
    "no archive": lambda path: path.write_bytes(b"PK\x03\x04 broken"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_trusted_is_refused_in_little_memory(case: str, tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    BAD[case](path)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"\S"):
        load_arrays(path, KINDS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size + 10**6


def test_what_was_written_is_read(tmp_path: Path) -> None:
    save_arrays(tmp_path / "arrays.npz", GOOD)
    for array, expected in zip(load_arrays(tmp_path / "arrays.npz", KINDS), GOOD.values(), strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
    with pytest.raises(FileNotFoundError):
        load_arrays(tmp_path / "nowhere.npz", KINDS)


places = st.floats(0, 1, exclude_max=True)


@given(changes=st.lists(st.tuples(places, st.integers(0, 255)), max_size=4), kept=st.just(1.0) | places)
def test_any_bytes_are_arrays_of_these_kinds_or_refused(
    changes: list[tuple[float, int]], kept: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.npz"
    save_arrays(path, GOOD)
    content = bytearray(path.read_bytes())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    path.write_bytes(bytes(content[: int(kept * len(content))]))
    try:
        words, weights, bias = load_arrays(path, KINDS)
    except ValueError:
        return
    assert (words.dtype, weights.dtype, bias.dtype) == (np.uint64, np.float32, np.float64)
    assert (words.ndim, weights.shape, bias.shape) == (1, (4,), ())
    assert np.isfinite(weights).all()
    assert np.isfinite(bias)
