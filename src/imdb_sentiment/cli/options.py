"""Shared command-line options, and their conversion to configurations."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from imdb_sentiment.cli.completion import data_assignments

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig

__all__ = [
    "COLUMN_OPTIONS",
    "DATA",
    "OUTPUT",
    "TRAINING",
    "Cascade",
    "DataSettings",
    "Encoding",
    "Ensemble",
    "Json",
    "LabelledSource",
    "ModelFolder",
    "ModelSource",
    "NoHeader",
    "SpreadsheetSafe",
    "TextColumns",
    "TrainingSource",
    "option_meant",
    "put_in_place",
    "read_columns",
    "read_data_settings",
    "read_sections",
    "set_fields",
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
TextColumns = Annotated[
    str | None,
    typer.Option(
        "--text-column",
        help="Text column of FILE, or two separated by a comma. [default: as in training]",
        metavar="NAME",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of FILE. [default: UTF-8]", metavar="NAME", show_default=False, rich_help_panel=DATA),
]
SpreadsheetSafe = Annotated[
    bool,
    typer.Option(
        "--spreadsheet-safe",
        help="Escape texts that spreadsheets would take for formulas.",
        rich_help_panel=OUTPUT,
    ),
]
Cascade = Annotated[
    bool,
    typer.Option("--cascade", help="Let the TF-IDF model of train --cascade answer the texts it is confident about."),
]
Ensemble = Annotated[
    bool,
    typer.Option("--ensemble", help="Average the predictions of the encoder and the TF-IDF model of train --cascade."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.", rich_help_panel=OUTPUT)]


def _column_option(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=DATA)


_TRAINING_COMMANDS = ("train", "search", "cross-validate", "learning-curve")

COLUMN_OPTIONS: dict[str, Any] = {
    "text_column": Annotated[str | None, _column_option("Column that holds the text.", "NAME")],
    "label_column": Annotated[str | None, _column_option("Column that holds the label.", "NAME")],
    "no_header": NoHeader,
    "positive_label": Annotated[str | None, _column_option("The positive label.", "LABEL")],
    "negative_label": Annotated[str | None, _column_option("The negative label. [default: the other one]", "LABEL")],
}


def with_column_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of columns and labels.

    They take the place of its parameter `columns`, which receives the fields of `DataConfig` that they set.
    """
    return put_in_place(command, "columns", COLUMN_OPTIONS, read_columns)


def read_columns(given: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of `DataConfig` that the options of columns and labels set; None if not given."""
    header = False if given["no_header"] else None
    return {name: value for name, value in given.items() if name != "no_header"} | {"header": header}


def put_in_place(
    command: Callable[..., None], name: str, options: Mapping[str, Any], read: Callable[[dict[str, Any]], object]
) -> Callable[..., None]:
    """Put options that several commands have in the place of one parameter.

    Args:
        command: The command.
        name: Name of its parameter.
        options: Annotation of each option by name; flags are False by default, and others None.
        read: Returns the parameter's value from those of the options.
    """

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        command(**{name: read({option: given.pop(option) for option in options})}, **given)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name != name:
            parameters.append(parameter)
            continue
        parameters += [
            parameter.replace(name=option, annotation=kind, default=False if get_args(kind)[0] is bool else None)
            for option, kind in options.items()
        ]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper


def read_data_settings(
    assignments: Sequence[str] | None, data: Mapping[str, object], *, config_file: Path | None = None
) -> "DataConfig":
    """Merge the data settings for a command without training; see `TrainingOptions.read`.

    Raises:
        ConfigError: A field, a value or the file is not valid.
    """
    from imdb_sentiment.config import DataConfig

    return DataConfig(**read_sections(config_file, assignments, DataConfig)["data"] | set_fields(data))


def read_sections(
    config_file: Path | None, assignments: Sequence[str] | None, *configs: "type[DataConfig | FineTuneConfig]"
) -> dict[str, dict[str, Any]]:
    """Return the fields of both sections that a file and `--set` set, the latter over the former.

    Args:
        config_file: YAML file.
        assignments: `KEY=VALUE` strings.
        *configs: What a field may belong to, `DataConfig` first.

    Raises:
        ConfigError: A field or the file is not valid.
    """
    from imdb_sentiment.config import yaml_file

    sections = yaml_file.read_sections(config_file) if config_file else {"data": {}, "fine_tune": {}}
    for key, value in map(_split_assignment, assignments or ()):
        _check_field(key, *configs)
        sections["data" if key in configs[0].model_fields else "fine_tune"][key] = value
    return sections


def set_fields(options: Mapping[str, object]) -> dict[str, Any]:
    """Return the options that were given, by field."""
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
