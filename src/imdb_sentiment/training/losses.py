"""The training loss of each row: cross-entropy, or a function of the user's."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.messages import quote

if TYPE_CHECKING:
    import torch

__all__ = ["Loss", "check_loss", "cross_entropy", "name_of", "row_losses"]

Loss = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Maps logits of shape (n, 2), labels of shape (n,), 0 or 1, and weights of shape (n,) to the losses of the rows."""

_EXPECTED = "a tensor with the loss of each row, times its weight, shape (n,), for logits of shape (n, 2)"


def cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """Return the weighted cross-entropy of each row.

    Args:
        label_smoothing: Share of the target that is divided between both labels.
    """
    import torch

    def loss(logits: "torch.Tensor", labels: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
        smoothing = label_smoothing
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing) * weights

    return loss


def name_of(loss: Loss) -> str:
    """Return the name of a function with its module, by which a resumed run knows it."""
    named: Any = loss if hasattr(loss, "__qualname__") else type(loss)
    return f"{named.__module__}.{named.__qualname__}"


def row_losses(loss: Loss, logits: "torch.Tensor", labels: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
    """Return the loss of each row, shape (n,); 0 for rows of weight 0, whatever the function returns for them.

    Args:
        loss: The function.
        logits: Shape (n, 2), fp32.
        labels: 0 or 1, shape (n,).
        weights: Shape (n,).

    Raises:
        ConfigError: The function fails, or does not return a loss for each row.
    """
    import torch

    try:
        losses: Any = loss(logits, labels, weights)
    except Exception as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        found = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the loss {quote(name_of(loss))} fails", found=found, expected=_EXPECTED) from error
    if not isinstance(losses, torch.Tensor) or losses.shape != labels.shape:
        found = f"shape {tuple(losses.shape)}" if isinstance(losses, torch.Tensor) else quote(losses)
        hint = "leave out the mean or the sum: the library divides by the rows of the whole step"
        raise ConfigError(
            f"the loss {quote(name_of(loss))} does not return a loss for each row",
            found=f"{found} for {len(labels)} rows",
            expected=_EXPECTED,
            hint=hint,
        )
    if torch.is_grad_enabled() and not losses.requires_grad:
        raise ConfigError(
            f"the loss {quote(name_of(loss))} has no gradient",
            found="losses that were detached from the logits, or do not depend on them",
            expected="a result of PyTorch operations on the logits",
        )
    filled: torch.Tensor = losses * (weights > 0)
    return filled


def check_loss(loss: Loss) -> None:
    """Try a function on four rows.

    Raises:
        ConfigError: It is no function, it fails, or does not return a loss for each row.
    """
    import torch

    if not callable(loss):
        raise ConfigError("loss cannot be used", found=quote(loss), expected="a function of logits, labels and weights")
    with torch.enable_grad():
        logits = torch.tensor([[0.5, -0.5], [0.2, 0.1], [-1.0, 1.0], [0.0, 0.3]], requires_grad=True)
        row_losses(loss, logits, torch.tensor([0, 1, 1, 0]), torch.tensor([1.0, 1.0, 2.0, 0.5]))
