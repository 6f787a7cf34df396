"""The commands of `dyno`, one file each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli import backends, bench, models, plan, report, run, runs, suites

app = typer.Typer(
    name="dyno",
    epilog="Start with: dyno run smoke",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"dyno {version('engine-dyno')}\n")
        raise typer.Exit


@app.callback()
def dyno(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Measure inference engines, with numbers that can be trusted."""
    del version


for _name, _module in (
    ("run", run),
    ("bench", bench),
    ("plan", plan),
    ("report", report),
    ("runs", runs),
    ("suites", suites),
    ("models", models),
    ("backends", backends),
):
    app.command(_name)(_module.command)
