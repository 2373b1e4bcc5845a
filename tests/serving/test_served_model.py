"""The model behind an app: requests share batches, and one thread computes."""

import asyncio
import threading
from threading import Event
from typing import Any

import pytest

from imdb_sentiment import SentimentClassifier, SentimentFineTuner
from imdb_sentiment.inference.inputs import Combination
from imdb_sentiment.results import Explanation
from imdb_sentiment.serving.served_model import MAX_EXPLANATIONS, ServedModel


@pytest.fixture
def served(fitted: SentimentFineTuner) -> ServedModel:
    served = ServedModel(max_batch_wait_ms=50, max_queue=100)
    served.open(fitted.classifier, "films")
    return served


def test_requests_that_come_together_are_scored_together(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], list[str], str]] = []
    predict: Any = SentimentClassifier.predict

    def recorded(self: SentimentClassifier, texts: list[str], **both: bool) -> Any:
        calls.append((texts, [*both], threading.current_thread().name))
        return predict(self, texts, **both)

    monkeypatch.setattr(SentimentClassifier, "predict", recorded)

    async def ask() -> list[Any]:
        wishes: list[tuple[list[str], float, Combination]] = [
            (["Seen at home: dull."], 0.0, "encoder"),
            (["Seen on a train: superb.", "Seen at home: superb."], 1.0, "encoder"),
            (["Seen at home: dull."], 0.0, "cascade"),
            (["Seen at home: superb."], 0.0, "ensemble"),
        ]
        return await asyncio.gather(
            *(served.predict(items, abstain_below=below, combination=both) for items, below, both in wishes)
        )

    answers = asyncio.run(ask())
    assert [texts for texts, _, _ in calls] == [
        ["Seen at home: dull.", "Seen on a train: superb.", "Seen at home: superb."],
        ["Seen at home: dull."],
        ["Seen at home: superb."],
    ]
    assert [both for _, both, _ in calls] == [[], ["cascade"], ["ensemble"]]
    assert {thread for _, _, thread in calls} == {"scoring_0"}
    assert [[one.label for one in answer] for answer in answers] == [
        ["negative"],
        ["positive"] * 2,
        ["negative"],
        ["positive"],
    ]
    assert [[one.abstained for one in answer] for answer in answers] == [[False], [True, True], [False], [False]]
    assert not served.busy


def test_explanations_and_predictions_take_turns(served: ServedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    begun, may_go_on = Event(), Event()
    made = Explanation(texts=("a",), labels=("n", "p"), label="p", score=0.5, words=(), completeness_error=0.0, steps=1)
    predict: Any = SentimentClassifier.predict

    def explain(_: object, text: str) -> Explanation:
        order.append(f"explain {text}")
        begun.set()
        may_go_on.wait()
        return made

    def recorded(self: SentimentClassifier, texts: list[str], **both: bool) -> Any:
        order.append("predict")
        return predict(self, texts, **both)

    monkeypatch.setattr(SentimentClassifier, "explain", explain)
    monkeypatch.setattr(SentimentClassifier, "predict", recorded)

    async def ask() -> None:
        explaining = [asyncio.create_task(served.explain([str(number)])) for number in range(MAX_EXPLANATIONS)]
        await asyncio.to_thread(begun.wait)
        with pytest.raises(asyncio.QueueFull):
            await served.explain(["one more"])
        predicting = asyncio.create_task(served.predict(["Superb."], abstain_below=0, combination="encoder"))
        while not served._turn._waiters:  # it stands in line
            await asyncio.sleep(0.001)
        assert served.busy
        may_go_on.set()
        await asyncio.gather(predicting, *explaining)

    asyncio.run(ask())
    assert order[:2] == ["explain 0", "predict"]
    assert len(order) == MAX_EXPLANATIONS + 1
    assert not served.busy
