"""What messages are made of: values, cut and escaped, and settings as Python and as a shell write them."""

import re
import reprlib
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "CONTROL_CHARACTERS",
    "NOT_RECORDED",
    "Advice",
    "Either",
    "FilePath",
    "Setting",
    "cut",
    "list_counts",
    "list_values",
    "quote",
    "shorten",
    "visible",
    "visible_cell",
]

_CUT = 40
_LISTED = 20
_PASTED = 100
"""A value above this length is cut in a hint too, although it then cannot be pasted."""

CONTROL_CHARACTERS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Characters other than C0 controls that act on a terminal or on the order of what is read: C1 controls, ends of lines,
marks of direction, halves of surrogate pairs. A part of a regular expression."""

NOT_RECORDED = "not recorded"
"""In the place of what a model or a report that was saved by an earlier version does not say."""

_acting = re.compile(f"[\0-\x08\x0b-\x1f{CONTROL_CHARACTERS}]")

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = _CUT
_short.maxlevel = 2


class Setting(NamedTuple):
    """A setting that a hint proposes: `DataConfig(text_column='body')` in Python, `--text-column body` in a shell."""

    name: str

    value: object

    config: str = ""
    """`DataConfig` or `FineTuneConfig`; empty for an argument of what was called."""

    flag: str = ""
    """The option of the command line, where it is not called like the setting."""

    def __str__(self) -> str:
        value = repr(self.value) if len(str(self.value)) <= _PASTED else quote(self.value)
        return f"{self.config}({self.name}={value})" if self.config else f"{self.name}={value}"

    def for_shell(self, flags: Collection[str]) -> str:
        """Write it as an option.

        Args:
            flags: The options that the command has; what is not among them is set by `--set`.
        """
        flag = self.flag or f"--{self.name.replace('_', '-')}"
        value = ",".join(self.value) if isinstance(self.value, list | tuple) else self.value
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        text = text if len(text) <= _PASTED else cut(text)
        if flag not in flags:
            return f"--set {_shell_word(f'{self.name}={text}')}"
        if value is True:
            return flag
        return f"{flag}{'=' if text.startswith('-') else ' '}{_shell_word(text)}"


class Either(NamedTuple):
    """Words of a hint that differ between Python and the command line."""

    python: str
    shell: str

    def __str__(self) -> str:
        return self.python

    def for_shell(self, flags: Collection[str]) -> str:
        """Return the words for the command line."""
        return self.shell


class FilePath(NamedTuple):
    """A path that a hint proposes."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def for_shell(self, flags: Collection[str]) -> str:
        """Write it as a shell takes it."""
        return _shell_word(str(self))


class Advice(str):
    """A part of a message with settings in it; as text it is what Python is told.

    Args:
        *parts: Prose, settings, paths, and words that differ.
    """

    __slots__ = ("parts",)

    parts: tuple[str | Setting | Either | FilePath, ...]

    def __new__(cls, *parts: str | Setting | Either | FilePath) -> "Advice":
        """Write the parts one after the other."""
        advice = super().__new__(cls, "".join(map(str, parts)))
        advice.parts = parts
        return advice

    def for_shell(self, flags: Collection[str]) -> str:
        """Return what the command line is told; see `Setting.for_shell`."""
        written = (part if type(part) is str else part.for_shell(flags) for part in self.parts)  # type: ignore[union-attr]
        return "".join(written)


def visible(text: str) -> str:
    """Return a text of any number of lines for a terminal or a page, with the escape of each character that acts on it.

    Tabs, line feeds and what belongs to a script or an emoji stay.
    """
    return _acting.sub(lambda found: _escape(found[0]), text)


def visible_cell(text: str) -> str:
    """Return a text like `visible`, on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def shorten(text: str, longest: int = _CUT) -> str:
    """Return a text without its middle where it is long."""
    if len(text) <= longest:
        return text
    end = (longest - 3) // 3
    return f"{text[: longest - 3 - end]}...{text[-end:]}"


def cut(value: object, longest: int = _CUT) -> str:
    """Return a value for a message: on one line, short, and with the escape of what acts on a terminal."""
    return visible_cell(shorten(str(value), longest))


def quote(value: object) -> str:
    """Return a value of any type as Python writes it, cut like `cut`."""
    text = _short.repr(value)
    return cut(text, 2 * _CUT) if "\n" not in text else type(value).__name__  # a table


def list_values(values: Iterable[object], *, quoted: bool = False, most: int = _LISTED) -> str:
    """List values, each cut: `text, label, stars`; of many the first, `and 3 more`."""
    listed: Sequence[object] = list(values)
    more = len(listed) - most
    shown = ", ".join(map(quote if quoted else cut, listed[:most]))
    return shown + (f", and {more:,} more" if more > 0 else "")


def list_counts(counts: Mapping[str, int]) -> str:
    """List how many there are of each, such as `30 ham, 25 spam`."""
    return ", ".join(f"{number:,} {cut(name)}" for name, number in counts.items())


def _shell_word(text: str) -> str:
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_shell_escape, text)) + "'"


def _shell_escape(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:  # the latter stand for a byte of an argument that is not UTF-8
        return f"\\x{code & 0xFF:02x}"
    return f"\\U{code:08x}"
