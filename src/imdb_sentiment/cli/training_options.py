"""Options of the commands that train, and their conversion to configurations."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

import typer

from imdb_sentiment.cli.completion import assignments, encoders, presets
from imdb_sentiment.cli.options import (
    COLUMN_OPTIONS,
    DATA,
    TRAINING,
    TrainingSource,
    put_in_place,
    read_columns,
    read_sections,
    set_fields,
)

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig

__all__ = ["MaxTrainSamples", "TrainingOptions", "with_training_options"]

Encoder = Annotated[
    str | None,
    typer.Option(
        help="Hub id, folder, or 'minilm'. [default: google-bert/bert-base-uncased]",
        metavar="NAME",
        autocompletion=encoders,
        rich_help_panel=TRAINING,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Recipe: tutorial, fast, balanced or accurate. [default: balanced]",
        metavar="NAME",
        autocompletion=presets,
        rich_help_panel=TRAINING,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="YAML file with sections 'data' and 'fine_tune'.",
        metavar="FILE",
        rich_help_panel=TRAINING,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set any field of DataConfig or FineTuneConfig; repeatable.",
        metavar="KEY=VALUE",
        autocompletion=assignments,
        rich_help_panel=TRAINING,
    ),
]
MaxTrainSamples = Annotated[
    int | None,
    typer.Option(
        help="Use N training rows, stratified; the test split is not reduced.", metavar="N", rich_help_panel=DATA
    ),
]

OPTIONS: dict[str, Any] = {
    "data": TrainingSource,
    "model": Encoder,
    "config": ConfigFile,
    "preset": Preset,
    "settings": Settings,
    **COLUMN_OPTIONS,
}


class TrainingOptions(NamedTuple):
    """What the shared options say, in order of increasing precedence."""

    preset: str | None
    config_file: Path | None

    assignments: list[str] | None
    """`KEY=VALUE` strings."""

    data: dict[str, object]
    """Fields of `DataConfig` of options of their own; None if not given."""

    model: str | None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Gather the values of the options."""
        columns = read_columns({name: given[name] for name in COLUMN_OPTIONS})
        data = {"source": given["data"], **columns}
        return cls(given["preset"], given["config"], given["settings"], data, given["model"])

    def read(
        self, *, max_train_samples: int | None = None, cascade: bool | None = None
    ) -> "tuple[DataConfig, FineTuneConfig]":
        """Return the configurations.

        Args:
            max_train_samples: Option of some of the commands; None if not given.
            cascade: The same.

        Raises:
            ConfigError: A field, a value, the preset or the file is not valid.
        """
        from imdb_sentiment.config import DataConfig, FineTuneConfig

        sections = read_sections(self.config_file, self.assignments, DataConfig, FineTuneConfig)
        data = sections["data"] | set_fields({**self.data, "max_train_samples": max_train_samples})
        fields = sections["fine_tune"] | set_fields({"model_name": self.model, "cascade": cascade})
        return DataConfig(**data), FineTuneConfig.preset(self.preset or "balanced", **fields)


def with_training_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of data, model and settings, in the place of its parameter `options`."""
    return put_in_place(command, "options", OPTIONS, TrainingOptions.of)
