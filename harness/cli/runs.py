"""`dyno runs`: what the store holds."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption


def command(
    gates: Annotated[
        bool, typer.Option("--gates", help="List gates instead, with how their cases ended.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List the stored runs, newest first, or the gates."""
    from rich.console import Console

    from harness.alive import live_runs

    opened, live = open_store(store), live_runs(store)
    if gates:
        from results.gates import Gates
        from results.report.gates import GateList

        Console().print(GateList(gates=Gates(opened).gates(), live=live))
    else:
        from results.report.runs import RunList

        Console().print(RunList(runs=opened.runs(), live=live))
