"""`dyno run`: measure a suite and print its report."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    NameOption,
    NoAccuracyOption,
    NoTelemetryOption,
    OnlyOption,
    QuickOption,
    ResumeOption,
    StoreOption,
    WaitOption,
)


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    only: OnlyOption = "",
    store: StoreOption = DEFAULT_STORE,
    name: NameOption = "",
    quick: QuickOption = False,
    no_telemetry: NoTelemetryOption = False,
    no_accuracy: NoAccuracyOption = False,
    device: DeviceOption = "",
    resume: ResumeOption = None,
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Measure a suite and print its report.

    Exit code: 0 measured, 1 a case failed, 2 wrong usage or input, 4 nothing measured,
    130 interrupted (what was measured is kept).
    """
    from harness.cli.execute import execute
    from harness.start import measured_as
    from harness.vocabulary import installed_vocabulary
    from suites.load import load_suite

    vocabulary = installed_vocabulary()
    loaded = load_suite(suite, vocabulary)
    raise typer.Exit(
        execute(
            measured_as(loaded, quick=quick, telemetry=not no_telemetry, accuracy=not no_accuracy),
            vocabulary,
            store=store,
            name=name,
            only=only,
            wait=wait,
            resume=resume,
            cache=cache,
            cache_size=cache_size,
            device=device,
        ).code
    )
