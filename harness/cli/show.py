"""Printing a stored run in one of the report formats."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.record import RunResult
    from results.store import Store


def show(store: Store, run_id: str, form: str) -> RunResult:
    """Print the run's report on stdout and return the run."""
    from harness.environment import describe
    from results.summaries import summaries

    run = store.read_run(run_id)
    found = summaries(store, run)
    machine = describe(run.record.environment)
    if form == "rich":
        from rich.console import Console

        from results.report.terminal import Report

        Console().print(Report(run=run, summaries=found, machine=machine))
    elif form == "json":
        from results.report.json import render as render_json

        sys.stdout.write(render_json(run, found))
    elif form == "csv":
        from results.report.csv import render as render_csv

        sys.stdout.write(render_csv(run, found))
    else:
        from results.report.markdown import render as render_markdown

        sys.stdout.write(render_markdown(run, found, machine=machine))
    return run
