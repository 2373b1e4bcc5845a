"""What a row of each class counts for in the training loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import Trainer

__all__ = ["balanced_weights", "weighted_trainer"]


def balanced_weights(labels: Sequence[int]) -> "torch.Tensor":
    """Return the weight of each class, shape (2,): n / (2 * n_class), as scikit-learn's `balanced` has it.

    Args:
        labels: 0 or 1 for each training row; both occur.
    """
    import numpy as np
    import torch
    from sklearn.utils.class_weight import compute_class_weight

    weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=np.asarray(labels))
    return torch.tensor(weights, dtype=torch.float32)


def weighted_trainer(weights: "torch.Tensor") -> "type[Trainer]":
    """Return a Trainer whose training loss is the weighted mean of the cross-entropy over the rows of a step.

    This is the mean of `torch.nn.CrossEntropyLoss(weight=...)`: the sum of weight times loss, divided by the sum of
    the weights. Both sums go over all batches that are accumulated for one step, so it does not matter how a step is
    divided into batches. The loss on validation is not weighted.

    Args:
        weights: Weight of class 0 and of class 1, shape (2,).
    """
    import torch
    from transformers import Trainer

    class WeightedTrainer(Trainer):
        loss_is_scaled_for_ga = True  # the sum of weights is that of all accumulated batches

        def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> Any:
            batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
            sums = [weights.to(device)[batch["labels"].to(device)].sum() for batch in batches]
            return batches, sum(sums, torch.zeros((), device=device))

        def compute_loss(
            self,
            model: torch.nn.Module,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: torch.Tensor | int | None = None,
        ) -> Any:
            if num_items_in_batch is None:  # evaluation; only training steps bring their sum of weights
                return super().compute_loss(model, inputs, return_outputs)
            outputs = model(**inputs)
            logits, labels = outputs.logits, inputs["labels"]
            total = torch.nn.functional.cross_entropy(logits, labels, weight=weights.to(logits.device), reduction="sum")
            loss = total / num_items_in_batch
            return (loss, outputs) if return_outputs else loss

    return WeightedTrainer
