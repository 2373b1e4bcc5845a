"""Conversion of records to plain JSON types."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["NOT_IN_DICT", "record_to_dict"]

NOT_IN_DICT = {"plain": False}
"""Metadata of fields to leave out."""


def record_to_dict(record: "DataclassInstance") -> dict[str, Any]:
    """Convert a record to a dictionary that equals its JSON round trip."""
    plain: dict[str, Any] = _plain(record)
    return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = [field.name for field in fields(value) if field.metadata != NOT_IN_DICT]
        return {name: _plain(getattr(value, name)) for name in named}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
