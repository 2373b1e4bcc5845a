"""Near-duplicate detection with MinHash and locality-sensitive hashing.

A text is represented by its shingles, all runs of five consecutive characters. Two texts are near duplicates if the
Jaccard similarity of their shingle sets is at least `NEAR_THRESHOLD`. Texts whose MinHash signatures agree in a whole
band are compared exactly, so no pair below the threshold is ever joined. A pair above it is missed with a probability
of 1 % at a similarity of 0.7 and of 0.001 % at 0.82.

Sources: Broder, On the resemblance and containment of documents (1997); Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, chapter 3.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imdb_sentiment.errors import MissingExtraError
from imdb_sentiment.runtime.messages import Advice, Setting
from imdb_sentiment.runtime.progress import progress_bar

if TYPE_CHECKING:
    Ints: TypeAlias = NDArray[np.int64]
    Words: TypeAlias = NDArray[np.uint64]

__all__ = ["NEAR_THRESHOLD", "MinHashIndex", "number_components", "require_rensa"]

NEAR_THRESHOLD = 0.7
"""Minimum Jaccard similarity of near duplicates. A film review with one word in twenty replaced is mostly at 0.8 to
0.9, two unrelated reviews are at 0.05."""

_SHINGLE = 5
_BANDS, _BAND_ROWS = 25, 5
_PERMUTATIONS = _BANDS * _BAND_ROWS
_SEED = 1997
# five standard errors of the estimate at the threshold
_ESTIMATE_SLACK = 0.2
_ALL_PAIRS_UP_TO = 20

_MULTIPLIER, _MIXER = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_BEYOND_UNICODE = 0x110000

# sized so that the arrays of one step fit into the CPU cache, or stay below about 100 MB
_BATCH_CHARS, _BATCH_TEXTS = 1 << 17, 256
_PART_CHARS = 1 << 21
_SPOOL_BYTES = 1 << 25
_SKETCH_BLOCK = 256
_SLICE_PAIRS = 1 << 16
_EXACT_CHARS, _EXACT_PAIRS = 1 << 21, 1024


def require_rensa() -> Any:
    """Return rensa's class that computes signatures.

    Raises:
        MissingExtraError: The package rensa is not installed.
    """
    try:
        from rensa import RMinHash
    except ImportError as error:
        raise MissingExtraError(
            "near-duplicate detection needs the package rensa",
            hint=Advice(
                "pip install 'imdb-sentiment[audit]', or turn it off: ",
                Setting("near_duplicates", "ignore", "DataConfig"),
            ),
        ) from error
    return RMinHash


class MinHashIndex:
    """MinHash signatures on disk, to find near duplicates.

    The result depends only on the texts, not on their order, on how they are divided among calls of `add`, or on the
    number of threads. A text takes up to 70 bytes of memory and 325 bytes of temporary files.

    Raises:
        MissingExtraError: The package rensa is not installed.
    """

    def __init__(self) -> None:
        self._minhash = require_rensa()
        self._bands = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115  __exit__ closes it
        self._sketches = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115
        self._chunks: list[int] = []
        self._lengths: list[NDArray[np.int32]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bands.close()
        self._sketches.close()

    def add(self, texts: Sequence[str]) -> None:
        """Add the next texts.

        Args:
            texts: Normalised texts (cleaned, case-folded, white space collapsed), in the order of their rows.
        """
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self._lengths.append(lengths.astype(np.int32))
        ends = np.cumsum(np.maximum(lengths, _BATCH_CHARS // _BATCH_TEXTS))
        for batch in _runs(ends // _BATCH_CHARS):
            flat = self._signatures(texts[batch.start : batch.stop])
            bands = flat.reshape(-1, _BANDS, _BAND_ROWS).astype(np.uint64)
            words = bands[:, :, 0]
            for i in range(1, _BAND_ROWS):
                words = words * np.uint64(_MULTIPLIER) + bands[:, :, i]
            # the words of one band side by side, and the lowest byte of every value of a row
            self._bands.write(words.T.tobytes())
            self._sketches.write((flat & 0xFF).astype(np.uint8).tobytes())
            self._chunks.append(len(batch))

    def _signatures(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        """Return the signature of each text, shape (texts, permutations)."""
        parts = [list(_overlapping(text)) for text in texts]
        if len(parts) == sum(map(len, parts)):
            return self._digests(texts)
        # the minimum hash of a text is the minimum over its parts
        return np.stack([np.minimum.reduce([self._digests([part])[0] for part in own]) for own in parts])

    def _digests(self, texts: Sequence[str]) -> NDArray[np.uint32]:
        hashes, offsets = _shingle_hashes(texts)
        rows = self._minhash.digest_matrix_from_flat_token_hashes(hashes, offsets, _PERMUTATIONS, _SEED).to_rows()
        return np.fromiter(chain.from_iterable(rows), np.uint32, len(rows) * _PERMUTATIONS).reshape(-1, _PERMUTATIONS)

    def pairs(self, same: "Ints", fetch: Callable[["Ints"], list[str]]) -> "Ints":
        """Find enough pairs of near duplicates to connect each group.

        Of rows with equal texts only the first is used; the caller joins the others. In a bucket of more than 20 texts,
        each is compared with only two others, so that many copies of one template do not take quadratic time.

        Args:
            same: Number of each row's normalised text, shape (rows,), which does not depend on the order of the rows.
            fetch: Returns the normalised texts at row positions.

        Returns:
            Row positions, shape (pairs, 2).

        Raises:
            ValueError: `same` is not of one row per text.
        """
        if len(same) != sum(self._chunks):
            raise ValueError(f"{len(same)} rows were given, {sum(self._chunks)} texts were added")
        _, rows = np.unique(same, return_index=True)
        lengths = np.concatenate([np.empty(0, np.int32), *self._lengths])
        groups = np.arange(len(rows))
        found = [np.empty((0, 2), np.int64)]
        with progress_bar("searching for near duplicates", total=_BANDS, unit="band") as bar:
            for band in range(_BANDS):
                for left, right in _candidates(self._read_band(band)[rows]):
                    pairs = np.stack([left, right])[:, groups[left] != groups[right]]
                    if pairs.size:
                        pairs = pairs[:, self._look_alike(rows[pairs])]
                        pairs = pairs[:, _are_near(rows[pairs], lengths, fetch)]
                    if pairs.size:
                        _connect(groups, pairs)
                        found.append(rows[pairs].T)
                bar.update(1)
        return np.concatenate(found)

    def _read_band(self, band: int) -> "Words":
        hashes = np.empty(sum(self._chunks), np.uint64)
        row = 0
        for size in self._chunks:
            self._bands.seek((row * _BANDS + band * size) * hashes.itemsize)
            hashes[row : row + size] = np.frombuffer(self._bands.read(size * hashes.itemsize), np.uint64)
            row += size
        self._bands.seek(0, 2)
        return hashes

    def _look_alike(self, pairs: "Ints") -> NDArray[np.bool_]:
        """Return which pairs of rows, shape (2, pairs), may reach the threshold, judging by their sketches."""
        rows, at = np.unique(pairs, return_inverse=True)
        sketches = np.empty((len(rows), _PERMUTATIONS), np.uint8)
        # neighbouring rows are read together
        for run in _runs(rows // _SKETCH_BLOCK):
            some = rows[run.start : run.stop]
            self._sketches.seek(int(some[0]) * _PERMUTATIONS)
            block = np.frombuffer(self._sketches.read((int(some[-1] - some[0]) + 1) * _PERMUTATIONS), np.uint8)
            sketches[run.start : run.stop] = block.reshape(-1, _PERMUTATIONS)[some - some[0]]
        self._sketches.seek(0, 2)
        agreeing = np.count_nonzero(np.equal(*sketches[at.reshape(2, -1)]), axis=1)
        return np.asarray(agreeing >= (NEAR_THRESHOLD - _ESTIMATE_SLACK) * _PERMUTATIONS)


def _connect(groups: "Ints", pairs: "Ints") -> None:
    """Merge the groups of each pair; `groups` maps each text to the representative of its group."""
    old, ends = np.unique(groups[pairs], return_inverse=True)
    component = number_components(ends.reshape(2, -1), len(old))
    _, first = np.unique(component, return_index=True)
    groups[old] = old[first[component]]
    groups[:] = groups[groups]


def number_components(links: "Ints", nodes: int) -> "Ints":
    """Number the connected components of a graph; `links` are pairs of its nodes, shape (2, links)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(links.shape[1], dtype=bool), tuple(links)), shape=(nodes, nodes))
    _, numbers = connected_components(graph, directed=False)
    return np.asarray(numbers, dtype=np.int64)


def _runs(values: "Ints") -> Iterator[range]:
    """Divide positions into runs of equal values."""
    cuts = (np.flatnonzero(np.diff(values)) + 1).tolist()
    if len(values):
        yield from map(range, [0, *cuts], [*cuts, len(values)])


def _overlapping(text: str) -> Iterator[str]:
    """Yield a text in overlapping parts of bounded length that contain all its shingles."""
    for start in range(0, max(1, len(text) - _SHINGLE + 1), _PART_CHARS):
        yield text[start : start + _PART_CHARS + _SHINGLE - 1]


def _shingle_hashes(texts: Sequence[str]) -> "tuple[Words, Words]":
    """Hash the shingles of each text, the same on every platform.

    A text shorter than a shingle is a shingle of its own. The last positions of a text, where no shingle begins, repeat
    its last hash, which does not change the set.

    Returns:
        The hashes of all texts, and the offset of each text in them, with their number at the end.
    """
    padded = [text.ljust(_SHINGLE, "\0") for text in texts]
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in padded], out=offsets[1:])
    ends = offsets[1:]
    short = [i for i, text in enumerate(texts) if len(text) < _SHINGLE]
    codes[ends[short] - 1] = [_BEYOND_UNICODE + len(texts[i]) for i in short]
    hashes = codes.copy()
    begun = hashes[: 1 - _SHINGLE]
    for i in range(1, _SHINGLE):
        begun *= np.uint64(_MULTIPLIER)
        begun += codes[i : i + len(begun)]
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(_MIXER)
    hashes ^= hashes >> np.uint64(32)
    for i in range(1, _SHINGLE):
        hashes[ends - i] = hashes[ends - _SHINGLE]
    return hashes, offsets.astype(np.uint64)


def _candidates(hashes: "Words") -> "Iterator[tuple[Ints, Ints]]":
    """Yield pairs of positions with equal hashes, in slices, adjacent ones first, which settle most of the rest."""
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    start = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])[: len(hashes)])
    size = np.diff(start, append=len(hashes))
    start, size = start[size > 1], size[size > 1]
    del hashes

    def members(start: "Ints", size: "Ints", skipped: int) -> "Ints":
        count = size - skipped
        places = np.repeat(start + skipped - np.cumsum(count) + count, count)
        places += np.arange(len(places))
        return places

    def sliced(right: "Ints", distance: "int | Ints") -> "Iterator[tuple[Ints, Ints]]":
        distances = np.broadcast_to(distance, right.shape)
        for i in range(0, len(right), _SLICE_PAIRS):
            some = right[i : i + _SLICE_PAIRS]
            yield order[some - distances[i : i + _SLICE_PAIRS]], order[some]

    yield from sliced(members(start, size, 1), 1)
    large = size > _ALL_PAIRS_UP_TO
    later = members(start[large], size[large], 2)
    yield from sliced(later, later - np.repeat(start[large], size[large] - 2))
    start, size = start[~large], size[~large]
    for distance in range(2, _ALL_PAIRS_UP_TO):
        start, size = start[size > distance], size[size > distance]
        yield from sliced(members(start, size, distance), distance)


def _are_near(pairs: "Ints", lengths: NDArray[np.int32], fetch: Callable[["Ints"], list[str]]) -> NDArray[np.bool_]:
    """Return which pairs of rows, shape (2, pairs), reach the threshold."""
    near = np.empty(pairs.shape[1], np.bool_)
    ends = np.cumsum(np.maximum(lengths[pairs].sum(axis=0, dtype=np.int64), _EXACT_CHARS // _EXACT_PAIRS))
    for run in _runs(ends // _EXACT_CHARS):
        rows, at = np.unique(pairs[:, run.start : run.stop], return_inverse=True)
        left, right = at.reshape(2, -1)
        near[run.start : run.stop] = _similarities(fetch(rows), left, right) >= NEAR_THRESHOLD
    return near


def _similarities(texts: Sequence[str], left: "Ints", right: "Ints") -> NDArray[np.float64]:
    """Return the Jaccard similarity of the shingle sets of each pair of texts."""
    from scipy.sparse import csr_array

    hashes, offsets = _shingle_hashes(texts)
    # one row per text, one column per hash
    columns = (hashes >> np.uint64(1)).astype(np.int64)
    sets = csr_array((np.ones(len(columns), np.int32), columns, offsets.astype(np.int64)), (len(texts), 2**63 - 1))
    sets.sum_duplicates()
    sets.data[:] = 1
    size = np.diff(sets.indptr)
    shared = sets[left].multiply(sets[right]).sum(axis=1)
    return np.asarray(shared / (size[left] + size[right] - shared))
