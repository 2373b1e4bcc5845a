"""Help of commands: options under headings, one summary line for each command, and nothing cut off.

Plain text instead of typer's own boxes, which need rich: that takes as long to import as everything else that `--help`
loads, and draws boxes into pipes and files too.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup
from typing_extensions import override

__all__ = ["Commands", "Described"]

_INDENT = 2
_WIDEST_NAME = 30
"""Longer names stand on a line of their own."""


class Described(TyperCommand):
    """A command whose options stand below the heading of their `rich_help_panel`."""

    @override
    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
                name = record[0].partition(" <")[0]  # without Python's name of a type
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or kind, []).append((name, record[1]))
        panels["Options"] = panels.pop("Options")  # last, and never empty: --help is one of them
        _write(formatter, panels)


class Commands(TyperGroup):
    """A group whose commands stand below the heading of their `rich_help_panel`, each with its whole summary."""

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            summary = " ".join(command.help.partition("\n\n")[0].split())
            panels.setdefault(command.rich_help_panel, []).append((name, summary))
        _write(formatter, panels)


def _write(formatter: Any, panels: dict[str, list[tuple[str, str]]]) -> None:
    """Write one section for each panel, with the texts of all of them in one column."""
    names = [name for records in panels.values() for name, _ in records]
    width = max(len(name) for name in names if len(name) <= _WIDEST_NAME)
    for panel, records in panels.items():
        with formatter.section(panel):
            formatter.write_dl([(name.ljust(width), text) for name, text in records], col_max=_WIDEST_NAME)
