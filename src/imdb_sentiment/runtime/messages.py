"""Parts of messages: shortened and escaped values, and settings as written in Python and in a shell."""

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
    "Setting",
    "cut",
    "either_path",
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
"""Length above which a value is shortened in a hint too, although it then cannot be pasted."""

CONTROL_CHARACTERS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""Characters other than C0 controls that affect a terminal or the reading order: C1 controls, line ends, directional
marks, surrogates. For use in a regular expression."""

NOT_RECORDED = "not recorded"
"""Placeholder for values missing from models and reports saved by an earlier version."""

_acting = re.compile(f"[\0-\x08\x0b-\x1f{CONTROL_CHARACTERS}]")

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = _CUT
_short.maxlevel = 2


class Setting(NamedTuple):
    """A suggested setting: `DataConfig(text_column='body')` in Python, `--text-column body` in a shell."""

    name: str

    value: object

    config: str = ""
    """`DataConfig` or `FineTuneConfig`; empty for an argument of the called function."""

    flag: str = ""
    """The command-line option, if its name differs."""

    def __str__(self) -> str:
        value = repr(self.value) if len(str(self.value)) <= _PASTED else quote(self.value)
        return f"{self.config}({self.name}={value})" if self.config else f"{self.name}={value}"

    def for_shell(self, flags: Collection[str]) -> str:
        """Format the setting as an option.

        Args:
            flags: The command's options; others are set by `--set`.
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
    """Text of a hint that differs between Python and the command line."""

    python: str
    shell: str

    def __str__(self) -> str:
        return self.python

    def for_shell(self, flags: Collection[str]) -> str:
        """Return the text for the command line."""
        return self.shell


def either_path(path: Path) -> Either:
    """Return a suggested path, quoted for a shell on the command line."""
    return Either(str(path), _shell_word(str(path)))


class Advice(str):
    """A message part with settings; as a string, it is the form for Python.

    Args:
        *parts: Text, settings, and alternatives.
    """

    __slots__ = ("parts",)

    parts: tuple[str | Setting | Either, ...]

    def __new__(cls, *parts: str | Setting | Either) -> "Advice":
        """Concatenate the parts."""
        advice = super().__new__(cls, "".join(map(str, parts)))
        advice.parts = parts
        return advice

    def for_shell(self, flags: Collection[str]) -> str:
        """Return the form for the command line; see `Setting.for_shell`."""
        written = (part if type(part) is str else part.for_shell(flags) for part in self.parts)  # type: ignore[union-attr]
        return "".join(written)


def visible(text: str) -> str:
    """Escape the control characters of a text for a terminal or a page.

    Tabs, line feeds and characters that scripts or emoji need stay.
    """
    return _acting.sub(lambda found: _escape(found[0]), text)


def visible_cell(text: str) -> str:
    """Escape a text like `visible`, and put it on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def shorten(text: str, longest: int = _CUT) -> str:
    """Shorten a long text by removing its middle."""
    if len(text) <= longest:
        return text
    end = (longest - 3) // 3
    return f"{text[: longest - 3 - end]}...{text[-end:]}"


def cut(value: object, longest: int = _CUT) -> str:
    """Format a value for a message: escaped, shortened and on one line."""
    return visible_cell(shorten(str(value), longest))


def quote(value: object) -> str:
    """Return the repr of a value, shortened like `cut`."""
    text = _short.repr(value)
    return cut(text, 2 * _CUT) if "\n" not in text else type(value).__name__  # such as a table


def list_values(values: Iterable[object], *, quoted: bool = False, most: int = _LISTED) -> str:
    """List values, each shortened: `text, label, stars`, with `and 3 more` after the first ones."""
    listed: Sequence[object] = list(values)
    more = len(listed) - most
    shown = ", ".join(map(quote if quoted else cut, listed[:most]))
    return shown + (f", and {more:,} more" if more > 0 else "")


def list_counts(counts: Mapping[str, int]) -> str:
    """List counts, such as `30 ham, 25 spam`."""
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
    if code < 0x80 or 0xDC80 <= code <= 0xDCFF:  # the latter represent bytes that are not UTF-8
        return f"\\x{code & 0xFF:02x}"
    return f"\\U{code:08x}"
