"""`dyno report`: a stored run, for people or programs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption


class Format(StrEnum):
    """The forms a report can take."""

    RICH = "rich"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


def command(
    run: Annotated[
        str | None,
        typer.Argument(
            help="A run's id, the start of one, or its name; the newest run if left out."
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="rich for a terminal, the others for programs.")
    ] = Format.RICH,
    only: Annotated[
        str,
        typer.Option(
            "--only", metavar="AXIS=VALUE,…", help="Tell these cases alone, as for `dyno run`."
        ),
    ] = "",
    everything: Annotated[
        bool,
        typer.Option("--all", help="Every case of a big run; csv and json always have them."),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print the report of a stored run.

    Of more than 200 cases it shows counts and a ranking.
    """
    from harness.cli.show import show

    opened = open_store(store)
    show(opened, opened.find_run(run), form.value, only=only, everything=everything)
