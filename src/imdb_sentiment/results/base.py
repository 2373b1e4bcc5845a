"""Records that convert to plain JSON types and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

__all__ = ["NOT_IN_DICT", "Record", "restore"]

NOT_IN_DICT = {"plain": False}
"""Metadata of fields to leave out."""


@dataclass(frozen=True, slots=True)
class Record:
    """Base of results."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = [field.name for field in fields(value) if field.metadata != NOT_IN_DICT]
        return {name: _plain(getattr(value, name)) for name in named}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def restore(kind: Any, plain: Any) -> Any:
    """Convert plain JSON types back to a type: the inverse of `Record.to_dict`.

    Fields that are missing, as in files of earlier versions, get their default.

    Args:
        kind: A record, a named tuple, a tuple or mapping of them, one of them or None, or any other type.
        plain: Its plain form.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if plain is None:
        return None
    if origin in (Union, UnionType):
        return restore(next(part for part in arguments if part is not NoneType), plain)
    if origin is tuple:
        return tuple(restore(arguments[0], item) for item in plain)
    if origin is Mapping:
        return {key: restore(arguments[1], item) for key, item in plain.items()}
    if hasattr(kind, "__dataclass_fields__"):
        kinds = get_type_hints(kind)
        given = [field.name for field in fields(kind) if field.name in plain]
        return kind(**{name: restore(kinds[name], plain[name]) for name in given})
    if hasattr(kind, "_fields"):
        return kind(*map(restore, get_type_hints(kind).values(), plain))
    return plain
