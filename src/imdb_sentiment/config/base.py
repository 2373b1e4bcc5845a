"""Base class of the configurations: immutable, with readable validation errors."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from imdb_sentiment.config.other_names import suggest_setting
from imdb_sentiment.errors import ConfigError
from imdb_sentiment.runtime.files import is_path
from imdb_sentiment.runtime.messages import Advice, quote

__all__ = ["Frozen", "NamesFromText", "PathAsText", "Seed", "given_config", "split_names"]


def _path_to_text(value: object) -> object:
    if isinstance(value, PathLike):
        value = fspath(value)
    if isinstance(value, str) and not is_path(value):
        raise ValueError(f"{quote(value)} cannot be a path, nor the name of something on the hub")
    if isinstance(value, Mapping):
        return {name: _path_to_text(path) for name, path in value.items()}
    return value


def split_names(value: object) -> object:
    """Split comma-separated names as given on the command line; None is empty."""
    if value is None:
        return ()
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


NamesFromText = BeforeValidator(split_names)
"""Validator that accepts names as one comma-separated string."""

PathAsText = BeforeValidator(_path_to_text)
"""Validator that converts a `Path`, or a mapping of them, to text."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Frozen(BaseModel):
    """An immutable model with field docstrings that raises `ConfigError` for invalid values."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=(), allow_inf_nan=False
    )

    main_field: ClassVar[str]
    """The field that a single unnamed value is meant for."""

    argument: ClassVar[str]
    """Name of the argument in functions that take the configuration."""

    if not TYPE_CHECKING:  # type checkers keep the signature that pydantic derives from the fields

        def __init__(self, *unnamed: object, **values: Any) -> None:
            if unnamed:
                summary = f"{type(self).__name__} takes its fields by name"
                raise ConfigError(summary, found=quote(unnamed[0]), hint=_how_to_give(unnamed[0], type(self)))
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise _explain(type(self), error) from None

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, checked like a new one.

        Raises:
            ConfigError: A field is unknown or a value is not valid.
        """
        return type(self)(**(self.model_dump() | changes))


C = TypeVar("C", bound=Frozen)


def given_config(value: object, kind: type[C]) -> C:
    """Return a given configuration, or the default for None.

    Raises:
        ConfigError: The value is something else; the message suggests how to pass it.
    """
    if value is None:
        return kind()
    if isinstance(value, kind):
        return value
    summary = f"{kind.argument} must be a {kind.__name__}"
    raise ConfigError(summary, found=quote(value), hint=_how_to_give(value, kind))


def _how_to_give(value: object, kind: type[Frozen]) -> str:
    """Suggest how to pass a value that was given in place of a configuration."""
    name = kind.__name__
    if isinstance(value, Frozen):
        return f"{value.argument}={type(value).__name__}(...)"
    if isinstance(value, str | PathLike):
        text = fspath(value)
        if text.endswith((".yaml", ".yml")):
            return f"data_config, config = load_config({quote(text)})"
        return f"{name}({kind.main_field}={quote(text)})"
    if isinstance(value, Mapping):
        return f"{name}(**settings)"
    return f"{name}(...)" + ("; rows in memory go to fit(data)" if kind.main_field == "source" else "")


def _explain(model: type[BaseModel], error: ValidationError) -> ConfigError:
    """Convert pydantic's errors into one message."""
    faults: dict[str, list[str]] = {}
    hints: dict[str, None] = {}
    for detail in error.errors():
        field = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            faults[f"{model.__name__} has no field {quote(field)}"] = []
            others = {kind.__name__: kind.model_fields for kind in Frozen.__subclasses__() if kind is not model}
            if meant := suggest_setting(field, model.model_fields, others):
                hints[meant] = None
        elif detail["type"] == "value_error":
            faults[str(detail["ctx"]["error"])] = []
        else:
            if field == "source" and not isinstance(detail["input"], str | Mapping):
                hints["rows in memory go to fit(data)"] = None
            # a field with a union type has one error per type
            faults.setdefault(f"{model.__name__}.{field} = {quote(detail['input'])}", []).append(detail["msg"].lower())
    lines = [f"{what}: {' or '.join(why)}" if why else what for what, why in faults.items()]
    hint = Advice(*[part for hint in hints for part in (", ", hint)][1:]) if hints else None
    return ConfigError("; ".join(lines), hint=hint)
