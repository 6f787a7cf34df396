"""`dyno runs`: what the store holds."""

from __future__ import annotations

from harness.cli.options import DEFAULT_STORE, StoreOption


def command(store: StoreOption = DEFAULT_STORE) -> None:
    """List the stored runs, newest first."""
    from rich.console import Console

    from results.report.runs import RunList
    from results.store import Store

    Console().print(RunList(runs=Store(store, create=False).runs()))
