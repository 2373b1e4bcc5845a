"""Evaluations of a run, passed on while it goes on."""

from pathlib import Path

import numpy as np
import pytest

from conftest import make_reviews
from imdb_sentiment import DataConfig, FineTuneConfig
from imdb_sentiment.data.splits import load_splits
from imdb_sentiment.inference.torch_backend import score_texts
from imdb_sentiment.models.encoded import EncodedText
from imdb_sentiment.models.pretrained import load_encoder
from imdb_sentiment.models.tokenization import labelled_texts
from imdb_sentiment.training.batching import EncodedRows
from imdb_sentiment.training.plan import Plan
from imdb_sentiment.training.run import train
from imdb_sentiment.training.watching import Evaluation, LatestEvaluation


def test_logits_come_in_the_order_of_the_rows() -> None:
    lengths = [3, 9, 5, 7]
    texts = [EncodedText({"input_ids": np.zeros(length, dtype=np.int32)}, truncated=False) for length in lengths]
    latest = LatestEvaluation(EncodedRows.of(texts, [0, 1, 0, 1]).longest_first())
    latest.logits = np.array([[0, length] for length in sorted(lengths, reverse=True)], dtype=np.float64)
    assert latest.in_order()[:, 1].tolist() == lengths


@pytest.mark.integration
def test_each_evaluation_is_passed_on_and_an_error_ends_the_run(tiny_config: FineTuneConfig, tmp_path: Path) -> None:
    config = tiny_config.replace(method="fine_tune", num_train_epochs=2, evaluations_per_epoch=2)
    loaded = load_splits(DataConfig(near_duplicates="ignore"), make_reviews(120))
    encoder = load_encoder(config)
    seen: list[Evaluation] = []

    def plan(folder: str) -> Plan:
        (tmp_path / folder).mkdir()
        return Plan.of(
            config, loaded.splits, encoder, loaded.names, tmp_path / folder, resume=False, audit=lambda: None
        )

    fitted = train(plan("whole"), encoder, lambda: loaded.splits, watch=seen.append)
    assert [(evaluation.number, evaluation.is_last) for evaluation in seen] == [
        (1, False),
        (2, False),
        (3, False),
        (4, True),
    ]
    texts = labelled_texts(loaded.splits.validation).texts
    kept = seen[round(fitted.result.kept_epoch * 2) - 1]
    scored = score_texts(fitted.model, fitted.encoder, texts).logits * fitted.result.calibration.temperature
    assert kept.logits == pytest.approx(scored, abs=1e-4)

    def stop(evaluation: Evaluation) -> None:
        if evaluation.number == 2:
            raise LookupError

    with pytest.raises(LookupError):
        train(plan("stopped"), encoder, lambda: loaded.splits, watch=stop)
    assert len(list((tmp_path / "stopped").glob("checkpoint-*"))) == 1
