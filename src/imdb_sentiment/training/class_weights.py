"""What a row of each class counts for in the training loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imdb_sentiment.process_wide import CATCHING_WARNINGS

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["balanced_weights"]


@CATCHING_WARNINGS
def balanced_weights(labels: "Sequence[int] | NDArray[np.int64]") -> "torch.Tensor":
    """Return the weight of each class, shape (2,): n / (2 * n_class), as scikit-learn's `balanced` has it.

    Args:
        labels: 0 or 1 for each training row; both occur.
    """
    import numpy as np
    import torch
    from sklearn.utils.class_weight import compute_class_weight

    weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=np.asarray(labels))
    return torch.tensor(weights, dtype=torch.float32)
