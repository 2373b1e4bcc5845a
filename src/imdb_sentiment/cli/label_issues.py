"""`imdb-sentiment label-issues`: rows whose label is probably wrong, as a table to review."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imdb_sentiment.cli.completion import encoders, one_of
from imdb_sentiment.cli.console import print_json, reports_errors, say
from imdb_sentiment.cli.options import (
    OUTPUT,
    DataSettings,
    Json,
    SpreadsheetSafe,
    TrainingSource,
    read_data_settings,
    with_column_options,
)

if TYPE_CHECKING:
    from imdb_sentiment.results.label_issues import LabelIssues

__all__ = ["label_issues"]

_COLUMNS = ("row", "label", "suggested", "probability", "text")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@reports_errors
@with_column_options
def label_issues(
    *,
    data: TrainingSource = None,
    output: Annotated[
        Path | None,
        typer.Option(help="CSV or TSV file for the whole list.", metavar="FILE", rich_help_panel=OUTPUT),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Also train this encoder for each fold: hub id, folder, or 'minilm'.",
            metavar="NAME",
            autocompletion=encoders,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="Training method: probe (fastest), contrastive or fine_tune. [default: depends on the number of rows]",
            metavar="NAME",
            autocompletion=one_of("probe", "contrastive", "fine_tune"),
            show_default=False,
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Number of cross-validation folds.", metavar="N")] = 5,
    spreadsheet_safe: SpreadsheetSafe = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing FILE.", rich_help_panel=OUTPUT)
    ] = False,
    settings: DataSettings = None,
    columns: dict[str, object],
    json: Json = False,
) -> None:
    """List rows whose label is probably wrong, the most likely first."""
    from imdb_sentiment.config import FineTuneConfig
    from imdb_sentiment.errors import ConfigError
    from imdb_sentiment.label_issues import find_label_issues
    from imdb_sentiment.runtime.files import check_new_file, write_text

    if output:
        _check_kind(output)
        check_new_file(output, overwrite=overwrite)
    if method and not model:
        raise ConfigError("--method is for an encoder", expected="--model as well, such as --model minilm")
    data_config = read_data_settings(settings, {"source": data, **columns})
    chosen: dict[str, Any] = {"method": method} if method else {}
    config = FineTuneConfig(model_name=model, **chosen) if model else None
    found = find_label_issues(data_config, config=config, folds=folds)
    if output:
        write_text(output, _table(found, output, spreadsheet_safe=spreadsheet_safe), overwrite=overwrite)
    if json:
        print_json(found.to_dict())
        return
    say(str(found))
    if output and found.issues:
        say(f"\nAll of them are in {output}. Fix the labels in your data, not in that file, and train again.")


def _check_kind(output: Path) -> None:
    from imdb_sentiment.errors import ConfigError

    if output.suffix.lower() not in _SEPARATORS:
        raise ConfigError(
            f"label issues are not written to {output}",
            found=output.suffix or "no suffix",
            expected=f"a name that ends in {' or '.join(_SEPARATORS)}",
        )


def _table(found: "LabelIssues", output: Path, *, spreadsheet_safe: bool) -> str:
    from imdb_sentiment.data.formats.csv_records import records_as_text

    rows = [
        (str(issue.row), issue.label, issue.suggested, f"{issue.probability:.4f}", issue.text) for issue in found.issues
    ]
    separator = _SEPARATORS[output.suffix.lower()]
    return "".join(records_as_text([_COLUMNS, *rows], separator, spreadsheet_safe=spreadsheet_safe))
