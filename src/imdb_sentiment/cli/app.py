"""The command line application."""

import sys
from typing import Annotated, Any

import typer

from imdb_sentiment.cli.audit import audit
from imdb_sentiment.cli.check_behaviour import check_behaviour
from imdb_sentiment.cli.compare import compare
from imdb_sentiment.cli.console import say, standard_streams
from imdb_sentiment.cli.cross_validate import cross_validate
from imdb_sentiment.cli.demo import demo
from imdb_sentiment.cli.drift import drift
from imdb_sentiment.cli.evaluate import evaluate
from imdb_sentiment.cli.export import export
from imdb_sentiment.cli.help import Commands, Described
from imdb_sentiment.cli.label_issues import label_issues
from imdb_sentiment.cli.learning_curve import learning_curve
from imdb_sentiment.cli.options import option_meant
from imdb_sentiment.cli.predict import predict
from imdb_sentiment.cli.report import report
from imdb_sentiment.cli.search import search
from imdb_sentiment.cli.serve import serve
from imdb_sentiment.cli.suggest import suggest
from imdb_sentiment.cli.train import train
from imdb_sentiment.runtime.messages import visible

__all__ = ["app", "main"]

_UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="imdb-sentiment",
    help="Fine-tune a binary text classifier you can trust.",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # see `Commands`
)


def _show_version(requested: bool) -> None:
    import imdb_sentiment

    if requested:
        say(f"imdb-sentiment {imdb_sentiment.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


PANELS = {
    "Data": (audit, label_issues, learning_curve, suggest),
    "Training": (demo, train, search, cross_validate),
    "Saved models": (evaluate, compare, check_behaviour, drift, report, predict, export, serve),
}

for panel, commands in PANELS.items():
    for command in commands:
        app.command(cls=Described, rich_help_panel=panel)(command)


def _name_option(error: Any) -> None:
    """Add a suggestion for an unknown option; typer's own go by spelling only."""
    command = error.ctx.command
    flags = {flag for parameter in command.params for flag in parameter.opts}
    if meant := option_meant(error.option_name, flags, command.name):
        error.message += f"\n  try:      {meant}"
        error.possibilities = ()


def main() -> None:
    """Run the command line."""
    with standard_streams():
        try:
            code = app(prog_name="imdb-sentiment", standalone_mode=False)
        except _UsageError as error:  # may quote control characters
            error.message = visible(error.message)
            if hasattr(error, "possibilities") and error.ctx:  # no such option
                _name_option(error)
            error.show()
            code = error.exit_code
        sys.exit(code)
