"""`dyno runs`: what the store holds."""

from __future__ import annotations

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption


def command(store: StoreOption = DEFAULT_STORE) -> None:
    """List the stored runs, newest first."""
    from rich.console import Console

    from harness.alive import live_runs
    from results.report.runs import RunList

    opened = open_store(store)
    Console().print(RunList(runs=opened.runs(), live=live_runs(store)))
