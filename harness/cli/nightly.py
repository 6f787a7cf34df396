"""`dyno nightly`: run, gate, history and reports of a suite, in one command for a nightly job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    BaselineOption,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    JunitOption,
    NameOption,
    OnlyOption,
    StoreOption,
    WaitOption,
)

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Write report.md, report.json, verdicts.json, history.csv and junit.xml there.",
    ),
]


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    baseline: BaselineOption,
    only: OnlyOption = "",
    name: NameOption = "",
    out: OutOption = None,
    junit: JunitOption = None,
    store: StoreOption = DEFAULT_STORE,
    device: DeviceOption = "",
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Run and gate a suite, and hold the night against those before.

    Exit code: 3 a confirmed SLOWER, tonight or by the history, else 1 a case failed, else 4 nothing
    could be measured or judged, else 0; 2 wrong usage, or the gate could not start,
    130 interrupted.
    """
    from harness.cli.night import Night
    from harness.vocabulary import installed_vocabulary
    from suites.load import load_suite

    vocabulary = installed_vocabulary()
    night = Night(
        suite=load_suite(suite, vocabulary),
        vocabulary=vocabulary,
        baseline=baseline,
        only=only,
        store=store,
        device=device,
        wait=wait,
        cache=cache,
        cache_size=cache_size,
        out=out,
        junit=junit,
    )
    raise typer.Exit(night.measure(name=name))
