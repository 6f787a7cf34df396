"""Printing a stored run in one of the report formats."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from results.record import RunResult
    from results.report.content import Content
    from results.store import Store
    from results.summary import Summary


def show(
    store: Store, run_id: str, form: str, *, only: str = "", everything: bool = False
) -> RunResult:
    """Print the run's report on stdout and return the run.

    `only` picks cases as for `dyno run`; without `everything`, a big run is told by its head.
    """
    from harness.alive import live_runs

    run = store.read_run(run_id)
    chosen = _picked(run, only)
    live = run_id in live_runs(store.folder)
    if form in ("csv", "json"):
        sys.stdout.writelines(_data(store, chosen, form, live=live))
        return run
    content = _content(store, run, chosen, only, live=live, everything=everything)
    if form == "rich":
        from rich.console import Console

        from results.report.terminal import Report

        console = Console()
        for line in Report(content=content).lines(console.width):
            console.print(line, soft_wrap=True)
    else:
        from results.report.markdown import parts

        sys.stdout.writelines(parts(content))
    return run


def _picked(run: RunResult, only: str) -> RunResult:
    """Return the run with the cases that `only` picks. Raises SuiteError."""
    if not only:
        return run
    from suites.matrix import parse_only, select

    records = select([case.record for case in run.cases], parse_only(only))
    places = {record.position for record in records}
    return replace(run, cases=tuple(c for c in run.cases if c.record.position in places))


def _data(store: Store, run: RunResult, form: str, *, live: bool) -> Iterator[str]:
    from results.summaries import paired

    if form == "csv":
        from results.report.csv import lines

        return lines(run, paired(store, run))
    from results.report.json import parts

    return parts(run, paired(store, run), live=live)


def _content(
    store: Store, run: RunResult, chosen: RunResult, only: str, *, live: bool, everything: bool
) -> Content:
    from harness.cli.opening import store_option
    from harness.environment import describe
    from results.relative import references
    from results.report.content import Frame, is_big, ranked, streamed, whole
    from results.summaries import glances, summaries, with_accuracy

    def summaries_of(part: RunResult) -> Mapping[int, Summary]:
        return summaries(store, part)

    frame = Frame(
        machine=describe(run.record.environment),
        live=live,
        only=only,
        of=len(run.cases),
        options=store_option(store.folder),
    )
    if not is_big(chosen):
        filled, found = with_accuracy(store, chosen), summaries_of(chosen)
        return whole(filled, found, frame, references(run, filled, found, summaries_of))
    if not everything:
        return ranked(chosen, glances(store, chosen), summaries_of, frame)
    return streamed(
        chosen,
        glances(store, chosen),
        summaries_of,
        frame,
        fill=partial(with_accuracy, store),
        within=run,
    )
