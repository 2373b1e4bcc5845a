"""Shared command-line options, and their conversion to configurations."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from imdb_sentiment.config import DataConfig, FineTuneConfig

__all__ = [
    "ConfigFile",
    "DataSettings",
    "Json",
    "LabelColumn",
    "NegativeLabel",
    "NoHeader",
    "PositiveLabel",
    "Settings",
    "SpreadsheetSafe",
    "TextColumn",
    "option_meant",
    "read_data_settings",
    "read_settings",
]

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file with sections 'data' and 'fine_tune'.", metavar="FILE")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set any field of DataConfig or FineTuneConfig; repeatable.", metavar="KEY=VALUE"),
]
DataSettings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set any field of DataConfig; repeatable.", metavar="KEY=VALUE"),
]
TextColumn = Annotated[str | None, typer.Option(help="Column of the text.", metavar="NAME")]
LabelColumn = Annotated[str | None, typer.Option(help="Column of the label.", metavar="NAME")]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first line of the file is a row; columns are counted from 1.")
]
PositiveLabel = Annotated[str | None, typer.Option(help="The positive label.", metavar="LABEL")]
NegativeLabel = Annotated[
    str | None, typer.Option(help="The negative label. [default: the other one]", metavar="LABEL")
]
SpreadsheetSafe = Annotated[
    bool, typer.Option("--spreadsheet-safe", help="Escape texts that spreadsheets would take for formulas.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


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
    from imdb_sentiment.config.yaml_file import read_sections

    sections = read_sections(config_file) if config_file else {"data": {}, "fine_tune": {}}
    for key, value in map(_split_assignment, assignments or ()):
        _check_field(key, DataConfig, FineTuneConfig)
        sections["data" if key in DataConfig.model_fields else "fine_tune"][key] = value
    sections["data"] |= {key: value for key, value in data.items() if value is not None}
    sections["fine_tune"] |= {key: value for key, value in fine_tune.items() if value is not None}
    return DataConfig(**sections["data"]), FineTuneConfig.preset(preset or "balanced", **sections["fine_tune"])


def read_data_settings(
    assignments: Sequence[str] | None, *, config_file: Path | None = None, **fields: object
) -> "DataConfig":
    """Merge the data settings for a command without training.

    Args:
        assignments: `KEY=VALUE` strings.
        config_file: YAML file whose section `data` is read.
        fields: Options for fields of `DataConfig`; None if not given.

    Raises:
        ConfigError: A field, a value or the file is not valid.
    """
    from imdb_sentiment.config import DataConfig
    from imdb_sentiment.config.yaml_file import read_sections

    in_file = read_sections(config_file)["data"] if config_file else {}
    assigned = dict(map(_split_assignment, assignments or ()))
    for key in assigned:
        _check_field(key, DataConfig)
    return DataConfig(**in_file | assigned | {key: value for key, value in fields.items() if value is not None})


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
        *(FineTuneConfig.model_fields if command in ("train", "learning-curve") else ()),
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
