"""`dyno gate`: every case of a suite against its baseline, live; for CI servers too."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    BaselineOption,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    JsonOption,
    JunitOption,
    OnlyOption,
    StoreOption,
    WaitOption,
)


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    baseline: BaselineOption,
    only: OnlyOption = "",
    store: StoreOption = DEFAULT_STORE,
    junit: JunitOption = None,
    json: JsonOption = None,
    device: DeviceOption = "",
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Measure each case beside its baseline and tell which are slower.

    Exit code: 0 none is slower, 3 a confirmed SLOWER, 1 a case failed, 2 wrong usage or input,
    4 nothing could be judged, 130 interrupted.
    """
    from harness.cli.ci import Faces
    from harness.cli.judge import judge
    from harness.vocabulary import installed_vocabulary
    from suites.load import load_suite

    vocabulary = installed_vocabulary()
    raise typer.Exit(
        judge(
            load_suite(suite, vocabulary),
            vocabulary,
            baseline=baseline,
            only=only,
            store=store,
            wait=wait,
            cache=cache,
            cache_size=cache_size,
            device=device,
            faces=Faces(junit=junit, json=json),
        )
    )
