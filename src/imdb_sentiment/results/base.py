"""Records that convert to plain JSON types and back, short in a session and readable in a notebook."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from itertools import islice
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from imdb_sentiment.runtime.messages import cut

if TYPE_CHECKING:
    import pandas as pd

    from imdb_sentiment.reporting.fragment import Fragment

__all__ = ["NOT_IN_DICT", "Record", "brief", "frame_of", "restore"]

NOT_IN_DICT = {"plain": False}
"""Metadata of fields to leave out."""

_ITEMS = 3
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Record:
    """Base of results."""

    # where pydantic makes a schema of a record, as for the API of a server, its fields are documented as here
    __pydantic_config__ = {"use_attribute_docstrings": True}

    def __init_subclass__(cls) -> None:
        # here, since `dataclass` writes a `__repr__` into each class that does not have one of its own
        cls.__repr__ = Record.__repr__  # type: ignore[method-assign]

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def __repr__(self) -> str:
        """Return the fields that differ from their default; long values and records in them are abbreviated."""
        shown = (f"{name}={brief(value)}" for name, value in _named_values(self))
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        from imdb_sentiment.reporting.fragment import render_fragment

        return render_fragment(self._fragment())

    def _fragment(self) -> "Fragment":
        """Describe the record for a notebook: its fields in a table, records in them folded."""
        from imdb_sentiment.reporting.fragment import Fragment
        from imdb_sentiment.reporting.tables import Table

        rows, tables, folded = [["", ""]], [], []
        for name, value in _named_values(self):
            label = name.replace("_", " ")
            if isinstance(value, Record):
                folded.append(value._fragment()._replace(name=label))
            elif isinstance(value, Mapping):
                rows += [[f"{label}: {key}", _text(item)] for key, item in value.items()]
            elif isinstance(value, tuple) and value and isinstance(value[0], Record):
                names = [field.name for field in fields(value[0])]
                cells = [[_text(getattr(record, name)) for name in names] for record in value]
                tables.append(Table(label, [[name.replace("_", " ") for name in names], *cells]))
            else:
                rows.append([label, _text(value)])
        kind = re.sub("(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).capitalize()
        return Fragment(kind, tables=[Table(kind, rows), *tables], folded=folded)


def _named_values(record: Record) -> Iterator[tuple[str, Any]]:
    """Yield the fields that differ from their default, without those that `repr` leaves out."""
    for field in fields(record):
        value = getattr(record, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.repr and value != default:
            yield field.name, value


def brief(value: object) -> str:
    """Return a short repr on one line: six digits of a float, the first items of a collection, the name of a record."""
    if isinstance(value, Record):
        return f"{type(value).__name__}(...)"
    if isinstance(value, float):
        return repr(float(f"{value:.6g}"))
    if isinstance(value, Mapping):
        items = [f"{cut(repr(key))}: {brief(item)}" for key, item in islice(value.items(), _ITEMS)]
        return f"{{{_listed(items, len(value))}}}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        named = zip(value._fields, value, strict=True)
        return f"{type(value).__name__}({', '.join(f'{name}={brief(item)}' for name, item in named)})"
    if isinstance(value, tuple):
        shown = _listed([brief(item) for item in value[:_ITEMS]], len(value))
        return f"({shown},)" if len(value) == 1 else f"({shown})"
    return cut(repr(value), _WIDTH)


def _listed(items: list[str], count: int) -> str:
    return ", ".join([*items, f"... {count:,} in all"] if count > len(items) else items)


def _text(value: object) -> str:
    """Return a value as text for a reader."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if type(value) is tuple:
        return "; ".join(map(_text, value)) or "none"
    return "none" if value is None else str(value)


def frame_of(kind: type[Record], rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return a pandas frame with a column for each field of a kind of record, also where there are no rows."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=[field.name for field in fields(kind)])


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
