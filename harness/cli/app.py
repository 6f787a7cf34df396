"""The commands of `dyno`, one file each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli import (
    backends,
    baseline,
    bench,
    build,
    cache,
    compare,
    diff,
    doctor,
    gate,
    history,
    models,
    nightly,
    plan,
    rebase,
    report,
    run,
    runs,
    store,
    suites,
)
from harness.cli.options import ResumeCommand

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
    ("build", build),
    ("report", report),
    ("runs", runs),
    ("compare", compare),
    ("gate", gate),
    ("nightly", nightly),
    ("history", history),
    ("diff", diff),
    ("suites", suites),
    ("backends", backends),
    ("doctor", doctor),
):
    app.command(_name, cls=ResumeCommand if _module in (run, bench) else None)(_module.command)
baseline.group.command("rebase")(rebase.command)
app.add_typer(baseline.group, name="baseline")
app.add_typer(models.group, name="models")
app.add_typer(cache.group, name="cache")
app.add_typer(store.group, name="store")
