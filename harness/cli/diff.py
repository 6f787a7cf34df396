"""`dyno diff`: two stored runs side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption
from harness.cli.report import Format

if TYPE_CHECKING:
    from results.diff import RunDiff
    from results.store import Store

_RUN = "A run's id, the start of one, or its name."


def command(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help=_RUN)],
    run_b: Annotated[str, typer.Argument(metavar="RUN_B", help=_RUN)],
    form: Annotated[
        Format, typer.Option("--format", help="rich for a terminal, the others for programs.")
    ] = Format.RICH,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Describe how two stored runs differ.

    It gives no verdict: stored times of two hours cannot. `dyno gate` and `dyno compare` do.
    """
    opened = open_store(store)
    found = _diff(opened, opened.find_run(run_a), opened.find_run(run_b))
    _show(found, form)


def _diff(store: Store, id_a: str, id_b: str) -> RunDiff:
    from harness.environment import identity
    from results.diff import StoredRun, diff
    from results.summaries import summaries

    def stored(run_id: str) -> StoredRun:
        run = store.read_run(run_id)
        known = identity(run.record.environment)
        return StoredRun(run=run, summaries=summaries(store, run), identity=known)

    return diff(stored(id_a), stored(id_b))


def _show(found: RunDiff, form: Format) -> None:
    from harness.environment import describe
    from results.report.diff import content, csv_lines, json_text

    if form is Format.JSON:
        sys.stdout.write(json_text(found))
        return
    if form is Format.CSV:
        sys.stdout.writelines(csv_lines(found))
        return
    told = content(found, machines=(describe(found.a.environment), describe(found.b.environment)))
    if form is Format.MARKDOWN:
        from results.report.markdown import parts

        sys.stdout.writelines(parts(told))
        return
    from rich.console import Console

    from results.report.terminal import Report

    console = Console()
    for line in Report(content=told).lines(console.width):
        console.print(line, soft_wrap=True)
