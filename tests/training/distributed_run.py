"""Processes that train together, as torchrun sets them up, forked from one that has imported everything."""

import io
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from accelerate import DistributedType, PartialState
from crash_runs import Recipe
from numpy.typing import NDArray
from torch.optim.optimizer import register_optimizer_step_post_hook
from trainers import build_parts, train
from transformers import PreTrainedModel
from typer.testing import CliRunner

from forked import Child
from imdb_sentiment import DataConfig, FineTuneConfig, ImdbSentimentError, SentimentFineTuner
from imdb_sentiment.cli.app import app
from imdb_sentiment.runtime.distributed import is_main, run_on_all_ranks, run_on_main
from imdb_sentiment.training import fine_tuning, linear_probe

Arrays = dict[str, NDArray[np.float32]]
Told = tuple[str, str]
"""The class of an error, and its message."""


def together(number: int, task: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Have several processes that train together call a function; return what each of them returned."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    children = [Child(_call_as, rank, number, port, task, arguments) for rank in range(number)]
    return [child.result() for child in children]


def _call_as(rank: int, number: int, port: int, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    os.environ.update(
        {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(number),
            "LOCAL_WORLD_SIZE": str(number),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
    )
    answer = task(*arguments)
    run_on_all_ranks(lambda: None)  # so that none of them is gone while another still talks to it
    return answer


class Asked(NamedTuple):
    """What a process knows after the main one was asked something."""

    answer: str
    asked: list[str]
    """Who was asked, as far as this process knows."""

    drawn: float
    """The first random number once training is prepared, as dropout would draw it."""


def ask(model: Path, folder: Path) -> Asked:
    """Have the main process say its number, and prepare training in all."""
    asked: list[str] = []

    def say() -> str:
        asked.append(os.environ.get("RANK", "0"))
        return asked[-1]

    answer = run_on_main(say)
    build_parts(model, folder)
    return Asked(answer, asked, torch.rand(1).item())


def head_at_the_start(recipe: Recipe, folder: Path) -> tuple[NDArray[np.float32], int]:
    """Fit until training would start; return the head, and how often this process has computed features for it."""
    heads: list[NDArray[np.float32]] = []
    with (
        patch.object(fine_tuning, "build_training", lambda model, *others, **named: _keep(heads, model)),
        patch.object(linear_probe, "head_features", wraps=linear_probe.head_features) as computed,
    ):
        _told(lambda: recipe.tuner(folder).fit(recipe.reviews))
    return heads[0], computed.call_count


def _keep(heads: list[NDArray[np.float32]], model: PreTrainedModel) -> None:
    heads.append(model.get_parameter("classifier.weight").detach().numpy().copy())
    raise ImdbSentimentError("enough")


class Steps(NamedTuple):
    """What a process did in each step."""

    rows: list[list[int]]
    passes: list[int]
    losses: list[float]
    gradients: list[Arrays]
    weights: Arrays
    """At the end."""


def take_steps(model: Path, folder: Path, cases: Mapping[str, Mapping[str, Any]]) -> dict[str, Steps]:
    """Train on a few rows in several ways; the rows of a batch are divided between the processes."""
    run_on_all_ranks(lambda: folder.mkdir(exist_ok=True))
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    taken = {}
    for name, case in cases.items():
        rows = case["per_device_train_batch_size"] // processes
        parts = build_parts(model, folder / name, **{**case, "per_device_train_batch_size": rows})
        steps = train(parts)
        taken[name] = Steps(
            rows=[sorted(chain.from_iterable(step.rows)) for step in steps],
            passes=[len(step.passes) for step in steps],
            losses=[entry["loss"] for entry in parts.trainer.state.log_history if "loss" in entry],
            gradients=[_arrays(step.gradients) for step in steps],
            weights=_arrays(parts.model.state_dict()),
        )
    return taken


class Fitted(NamedTuple):
    """What a process got from a whole run."""

    result: dict[str, Any]
    test: dict[str, Any]
    weights: Arrays
    has_read: bool
    """Whether it has read the data itself."""


def fit(recipe: Recipe, folder: Path, resume: bool = False) -> Fitted:
    """Fit, evaluate and save to `model` beside the folder of the run."""
    tuner = recipe.tuner(folder)
    result = tuner.fit(recipe.reviews, resume=resume)
    has_read = tuner._data._loaded is not None
    report = tuner.evaluate()
    assert tuner.save(folder.with_name("model"), overwrite=True) == folder.with_name("model")
    assert tuner._fitted
    weights = tuner._fitted.model.state_dict() if is_main() or not os.environ.get("ACCELERATE_USE_FSDP") else {}
    return Fitted(result.to_dict(), report.to_dict(), _arrays(weights), has_read)


def fit_and_be_stopped(recipe: Recipe, folder: Path, step: int) -> Told:
    """Fit until the last of the processes, and it alone, is sent a signal in a step."""
    steps = iter(range(1, step + 1))

    def count(*ignored: object) -> None:
        if next(steps) == step and os.environ["RANK"] == str(int(os.environ["WORLD_SIZE"]) - 1):
            os.kill(os.getpid(), signal.SIGTERM)

    register_optimizer_step_post_hook(count)
    return _told(lambda: recipe.tuner(folder).fit(recipe.reviews))


def fail(recipe: Recipe, folder: Path) -> dict[str, Told]:
    """Fit what cannot be fitted."""
    absent = SentimentFineTuner(DataConfig(source="absent.csv"), recipe.tuner(folder).config, output_dir=folder / "a")
    occupied = recipe.tuner(folder)  # by what the test has put there
    overflowing = recipe._replace(changes=recipe.changes | {"learning_rate": 1e30}).tuner(folder / "b")
    unknown = SentimentFineTuner(config=FineTuneConfig(model_name="./absent"), output_dir=folder / "c")
    return {
        "data": _told(absent.fit),
        "folder": _told(lambda: occupied.fit(recipe.reviews)),
        "gradients": _told(lambda: overflowing.fit(recipe.reviews)),
        "model": _told(unknown.fit),
        "one alone": _told(lambda: run_on_all_ranks(_fail_in_the_second)),
    }


def _fail_in_the_second() -> None:
    if os.environ["RANK"] == "1":
        raise ImdbSentimentError("only here")


def train_arguments(
    config: FineTuneConfig, reviews: tuple[list[str], list[int]], folder: Path, **changes: Any
) -> list[str]:
    """Write reviews to a folder, and return the arguments of the command that learns them, to `model` beside them."""
    rows = [f"{text},{label}" for text, label in zip(*reviews, strict=True)]
    (folder / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    fields = config.model_dump(exclude_defaults=True) | changes
    parts = [("--set", f"{name}={'' if value is None else value}") for name, value in fields.items()]
    paths = ["--data", str(folder / "reviews.csv"), "--output", str(folder / "model")]
    return ["train", *paths, *chain.from_iterable(parts)]


def run_command(arguments: list[str]) -> tuple[int, str, str]:
    """Run the command line; return its exit code and what it wrote to both streams."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def divided(state: str, task: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function where the model is divided by FSDP, as accelerate's configuration file asks for it.

    accelerate divides models on GPUs only, so it is told that the processes have some.

    Args:
        state: How checkpoints hold the model.
        task: The function.
        arguments: What it is given.
    """
    os.environ.update(
        {
            "ACCELERATE_TORCH_DEVICE": "cpu",
            "ACCELERATE_USE_FSDP": "true",
            "FSDP_VERSION": "2",
            "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
            "FSDP_TRANSFORMER_CLS_TO_WRAP": "BertLayer",
            "FSDP_RESHARD_AFTER_FORWARD": "true",
            "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
            "FSDP_STATE_DICT_TYPE": state,
        }
    )
    start = PartialState.__init__

    def start_on_gpus(state: PartialState, cpu: bool = False, **named: Any) -> None:
        start(state, cpu=False, **named)

    with (
        patch.object(PartialState, "__init__", start_on_gpus),
        patch.object(PartialState, "_prepare_backend", lambda *ignored: ("gloo", DistributedType.MULTI_GPU)),
    ):
        return task(*arguments)


def _told(task: Callable[[], object]) -> Told:
    try:
        task()
    except ImdbSentimentError as error:
        return type(error).__name__, str(error)
    return "", ""


def _arrays(tensors: Mapping[str, torch.Tensor]) -> Arrays:
    # copies, as multiprocessing would hand tensors over in memory that goes with the process
    return {name: value.detach().numpy().copy() for name, value in tensors.items() if value.is_floating_point()}
