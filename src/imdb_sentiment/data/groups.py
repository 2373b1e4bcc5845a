"""Which rows belong together: equal texts, texts that are nearly equal, and rows of one author, film or thread."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Groups", "number_groups"]


class Groups(NamedTuple):
    """Three ways to number n rows such that rows that belong together have one number; int64 of shape (n,) each."""

    same: "NDArray[np.int64]"
    """By equal keys."""

    near: "NDArray[np.int64]"
    """By equal keys and near pairs, through any chain of them."""

    tied: "NDArray[np.int64]"
    """By equal keys, near pairs and equal ties, through any chain of them."""


def number_groups(keys: "NDArray[np.uint64]", near: "NDArray[np.int64]", ties: "NDArray[np.uint64]") -> Groups:
    """Number the connected components of rows.

    Args:
        keys: Two words a row, shape (n, 2).
        near: Pairs of rows, shape (m, 2).
        ties: A word a row, shape (n,); 0 for a row that nothing ties to others.
    """
    import numpy as np

    same = _number_equal(keys)
    texts = int(same.max(initial=-1)) + 1
    by_text = _components(same[near], texts)
    tied_rows = np.flatnonzero(ties)
    _, tie = np.unique(ties[tied_rows], return_inverse=True)
    # each value of the group column is one more node, which its rows' texts are linked to
    links = np.column_stack((same[tied_rows], texts + tie))
    by_tie = _components(np.concatenate((same[near], links)), texts + int(tie.max(initial=-1)) + 1)
    return Groups(same, by_text[same], by_tie[same])


def _number_equal(keys: "NDArray[np.uint64]") -> "NDArray[np.int64]":
    import numpy as np

    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(keys), dtype=np.int64)
    numbers[order] = np.cumsum(is_new) - 1
    return numbers


def _components(links: "NDArray[np.int64]", nodes: int) -> "NDArray[np.int64]":
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(links):
        return np.arange(nodes)
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(nodes, nodes))
    _, numbers = connected_components(graph, directed=False)
    result: NDArray[np.int64] = numbers.astype(np.int64)
    return result
