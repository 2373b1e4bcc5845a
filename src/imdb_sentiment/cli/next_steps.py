"""What to do after a model was trained: use it, or find out why it is worse than a simpler one."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_sentiment.runtime.messages import Setting

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.results.evaluation import EvaluationReport

__all__ = ["data_options", "next_steps"]

_FLAGS = {"--data", "--text-column", "--label-column", "--positive-label", "--negative-label"}


def next_steps(
    output: Path,
    report: "EvaluationReport",
    data_config: "DataConfig",
    fine_tune_config: "FineTuneConfig",
    *,
    searched: bool = False,
) -> str:
    """Return the commands to run next, ready to be pasted.

    Args:
        output: Folder of the saved model.
        report: The model on rows that it was not trained on.
        data_config: The data it was trained on.
        fine_tune_config: How it was trained.
        searched: Whether other settings were tried already.
    """
    better = next((baseline.name for baseline in report.baselines if baseline.is_better), None)
    if better is None:
        example = "'Your text.'" if data_config.text_columns is None else "$'First text.\\tSecond text.'"
        return f"Next:\n  imdb-sentiment predict {shlex.quote(str(output))} {example}"
    data = data_options(data_config)
    model = Setting("model_name", fine_tune_config.model_name, flag="--model").for_shell({"--model"})
    search = ["  settings that do not suit these rows:", f"    imdb-sentiment search {data} {model}"]
    return "\n".join(
        [
            f"It is worse than {better}, which costs far less. Before you use it, look for the reason:",
            "  labels that are probably wrong:",
            f"    imdb-sentiment label-issues {data}",
            "  too few labelled rows:",
            f"    imdb-sentiment learning-curve {data} {model}",
            *(() if searched else search),
        ]
    )


def data_options(config: "DataConfig") -> str:
    """Return the options that name the same data, for any command that reads labelled rows."""
    default = type(config)()
    changed = {name: value for name, value in config if value != getattr(default, name)}
    source = changed.pop("source", default.source)
    flags = [Setting("source", source, flag="--data")] if isinstance(source, str) else []
    settings = [*flags, *(Setting(name, value) for name, value in changed.items())]
    return " ".join(setting.for_shell(_FLAGS) for setting in settings)
