"""What stands below a curve."""

from collections.abc import Sequence
from typing import Any

import pytest

from imdb_sentiment.reporting.plots import draw_training


def history_of(losses: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"epoch": float(epoch), "train_loss": 1 / epoch, "validation": {"log_loss": loss}}
        for epoch, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (1.0, "Epoch 1 was kept, the dotted line (lowest log_loss on validation), with 0.500."),
        (2.0, "Epoch 2 was kept, the dotted line (lowest log_loss on validation), with 0.411."),
        (3.0, "Epoch 3 was kept, the dotted line (lowest log_loss on validation), with 0.622."),
        (None, "Which epoch was kept is not recorded."),
    ],
)
def test_the_epoch_that_was_kept_is_told_and_not_the_last_one(kept: float | None, said: str) -> None:
    training = draw_training(history_of([0.5, 0.411, 0.622]), kept, "lowest log_loss on validation")
    start = "Log loss on validation was 0.500 after epoch 1 and 0.622 at the end. "
    assert training.caption == start + said
    assert said in training.svg
