"""Shared command-line options, and their conversion to configurations."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.completion import assignments, data_assignments, encoders, presets

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig

__all__ = [
    "DATA",
    "OUTPUT",
    "TRAINING",
    "Cascade",
    "ConfigFile",
    "DataSettings",
    "Encoder",
    "Json",
    "LabelledSource",
    "ModelFolder",
    "ModelSource",
    "NoHeader",
    "Preset",
    "Settings",
    "SpreadsheetSafe",
    "TrainingSource",
    "option_meant",
    "read_data_settings",
    "read_settings",
    "with_column_options",
]

DATA, TRAINING, OUTPUT = "Data", "Model and training", "Output"
"""Headings of options in the help of a command."""

ModelFolder = Annotated[str, typer.Argument(help="Folder of a saved model.", metavar="MODEL")]
ModelSource = Annotated[str, typer.Argument(help="Folder of a saved model, or a hub repository.", metavar="MODEL")]
TrainingSource = Annotated[
    str | None,
    typer.Option(
        help="File, folder or hub data set. [default: stanfordnlp/imdb]", metavar="SOURCE", rich_help_panel=DATA
    ),
]
LabelledSource = Annotated[
    str,
    typer.Option(
        help="File, folder or hub data set; its test split if it has one.", metavar="SOURCE", rich_help_panel=DATA
    ),
]
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
DataSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set any field of DataConfig; repeatable.",
        metavar="KEY=VALUE",
        autocompletion=data_assignments,
        rich_help_panel=DATA,
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header",
        help="The first line of the file is a row; columns are counted from 1.",
        rich_help_panel=DATA,
    ),
]
SpreadsheetSafe = Annotated[
    bool,
    typer.Option(
        "--spreadsheet-safe",
        help="Escape texts that spreadsheets would take for formulas.",
        rich_help_panel=OUTPUT,
    ),
]
Cascade = Annotated[bool, typer.Option("--cascade", help="Use the cascade of train --cascade.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.", rich_help_panel=OUTPUT)]


def _column_option(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=DATA)


_TRAINING_COMMANDS = ("train", "search", "cross-validate", "learning-curve")

_COLUMN_OPTIONS: dict[str, Any] = {
    "text_column": Annotated[str | None, _column_option("Column of the text.", "NAME")],
    "label_column": Annotated[str | None, _column_option("Column of the label.", "NAME")],
    "no_header": NoHeader,
    "positive_label": Annotated[str | None, _column_option("The positive label.", "LABEL")],
    "negative_label": Annotated[str | None, _column_option("The negative label. [default: the other one]", "LABEL")],
}


def with_column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of columns and labels.

    They take the place of its parameter `columns`, which receives the fields of `DataConfig` that they set.
    """

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        columns = {name: given.pop(name) for name in _COLUMN_OPTIONS}
        header = False if columns.pop("no_header") else None
        command(columns=columns | {"header": header}, **given)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name == "columns":
            parameters += [
                parameter.replace(name=name, annotation=kind, default=False if kind is NoHeader else None)
                for name, kind in _COLUMN_OPTIONS.items()
            ]
        else:
            parameters.append(parameter)
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def read_settings(
    *,
    config_file: Path | None = None,
    preset: str | None = None,
    assignments: Sequence[str] | None = None,
    data: Mapping[str, object],
    fine_tune: Mapping[str, object],
) -> "tuple[DataConfig, FineTuneConfig]":
    """Merge settings in order of increasing precedence: preset, file, --set, options.

    Args:
        config_file: YAML file with both sections.
        preset: Name of a recipe.
        assignments: `KEY=VALUE` strings.
        data: Options for fields of `DataConfig`; None if not given.
        fine_tune: Options for fields of `FineTuneConfig`; None if not given.

    Raises:
        ConfigError: A field, a value, the preset or the file is not valid.
    """
    from imdb_sentiment.config import DataConfig, FineTuneConfig

    sections = _read_sections(config_file, assignments, DataConfig, FineTuneConfig)
    fields = sections["fine_tune"] | _given(fine_tune)
    return DataConfig(**sections["data"] | _given(data)), FineTuneConfig.preset(preset or "balanced", **fields)


def read_data_settings(
    assignments: Sequence[str] | None, data: Mapping[str, object], *, config_file: Path | None = None
) -> "DataConfig":
    """Merge the data settings for a command without training; see `read_settings`.

    Raises:
        ConfigError: A field, a value or the file is not valid.
    """
    from imdb_sentiment.config import DataConfig

    return DataConfig(**_read_sections(config_file, assignments, DataConfig)["data"] | _given(data))


def _read_sections(
    config_file: Path | None, assignments: Sequence[str] | None, *configs: "type[DataConfig | FineTuneConfig]"
) -> dict[str, dict[str, Any]]:
    from imdb_sentiment.config.yaml_file import read_sections

    sections = read_sections(config_file) if config_file else {"data": {}, "fine_tune": {}}
    for key, value in map(_split_assignment, assignments or ()):
        _check_field(key, *configs)
        sections["data" if key in configs[0].model_fields else "fine_tune"][key] = value
    return sections


def _given(options: Mapping[str, object]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def option_meant(option: str, flags: Collection[str], command: str) -> str | None:
    """Return the equivalent of an unknown option that other programs have.

    Args:
        option: The unknown option.
        flags: The command's options.
        command: The command's name.
    """
    from imdb_sentiment.config import DataConfig, FineTuneConfig
    from imdb_sentiment.config.other_names import setting_called
    from imdb_sentiment.runtime.messages import Advice, Setting

    if "--set" not in flags:
        return None
    fields = {
        *DataConfig.model_fields,
        *(FineTuneConfig.model_fields if command in _TRAINING_COMMANDS else ()),
    }
    name = option.lstrip("-").replace("-", "_")
    meant = name if name in fields else setting_called(name, fields)
    if meant is None or isinstance(meant, Advice):
        return meant and meant.for_shell(flags)
    flag = {"source": "--data", "model_name": "--model"}.get(meant, "")
    return Setting(meant, "...", flag=flag).for_shell(flags)


def _split_assignment(text: str) -> tuple[str, Any]:
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import quote

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"invalid --set {quote(text)}", expected="--set KEY=VALUE, e.g. --set learning_rate=3e-5")
    return key.strip(), value or None


def _check_field(key: str, *configs: "type[DataConfig | FineTuneConfig]") -> None:
    from imdb_sentiment.config.other_names import suggest_setting
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.runtime.messages import quote

    known = [field for config in configs for field in config.model_fields]
    if key not in known:
        hint = suggest_setting(key, known)
        names = " or ".join(config.__name__ for config in configs)
        expected = f"a field of {names}" if hint else f"a field of {names}: {', '.join(known)}"
        hint = f"--set {hint}=..." if hint in known else hint
        raise ConfigError(f"--set: no field {quote(key)}", expected=expected, hint=hint)
