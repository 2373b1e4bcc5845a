"""`imdb-sentiment audit`: check a data set before training on it."""

from pathlib import Path
from typing import Annotated

import typer

from imdb_sentiment.cli.completion import encoders
from imdb_sentiment.cli.console import for_shell, print_json, reports_errors, show
from imdb_sentiment.cli.options import DATA, DataSettings, Json, read_data_settings, with_column_options

__all__ = ["audit"]


@reports_errors
@with_column_options
def audit(
    source: Annotated[
        str | None,
        typer.Argument(help="File, folder or hub data set. [default: stanfordnlp/imdb]", metavar="SOURCE"),
    ] = None,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            help="Count tokens of this model: hub id, folder, or 'minilm'.", metavar="NAME", autocompletion=encoders
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file as for train; only its section 'data' is used.", metavar="FILE", rich_help_panel=DATA
        ),
    ] = None,
    settings: DataSettings = None,
    columns: dict[str, object],
    json: Json = False,
) -> None:
    """Check a data set before training: labels, duplicates, overlapping splits, unusual characters, label leaks."""
    from imdb_sentiment.audit.dataset import audit_dataset

    data_config = read_data_settings(settings, {"source": source, **columns}, config_file=config)
    found = for_shell(audit_dataset(data_config=data_config, model_name=model), audit)
    if json:
        print_json(found.to_dict())
    else:
        show(found)
