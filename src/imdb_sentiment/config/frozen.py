"""What both configurations have in common: they cannot change, and say in one message what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from imdb_sentiment.errors import ConfigError, nearest

__all__ = ["Frozen", "NamesFromText", "PathAsText", "Seed", "split_names"]


def _path_to_text(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _path_to_text(path) for name, path in value.items()}
    return value


def split_names(value: object) -> object:
    """Read names as the command line gives them: `year,source` for two, an empty value (None) for none."""
    if value is None:
        return ()
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


NamesFromText = BeforeValidator(split_names)
"""Several names may be given as one text with commas."""

PathAsText = BeforeValidator(_path_to_text)
"""A path, or several by name, may be given as `Path`; it is kept as text."""

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Frozen(BaseModel):
    """A model that cannot change, knows its fields by their docstrings and reports mistakes as `ConfigError`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=(), allow_inf_nan=False
    )

    if not TYPE_CHECKING:  # type checkers keep the signature that pydantic derives from the fields

        def __init__(self, **values: Any) -> None:
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


def _explain(model: type[BaseModel], error: ValidationError) -> ConfigError:
    """Turn pydantic's report into one message; the first mistake decides the summary, the others are listed."""
    said: dict[str, list[str]] = {}
    hints: list[str] = []
    for detail in error.errors():
        field = str(detail["loc"][0]) if detail["loc"] else ""
        if detail["type"] == "extra_forbidden":
            said[f"{model.__name__} has no field {field!r}"] = []
            if match := nearest(field, model.model_fields):
                hints.append(match)
        elif detail["type"] == "value_error":
            said[str(detail["ctx"]["error"])] = []
        else:  # a field that takes one of two types has a mistake by each
            said.setdefault(f"{model.__name__}.{field} = {detail['input']!r}", []).append(detail["msg"].lower())
    lines = [f"{what}: {' or '.join(why)}" if why else what for what, why in said.items()]
    return ConfigError("; ".join(lines), hint=", ".join(hints) or None)
