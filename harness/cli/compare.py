"""`dyno compare`: two cases of a suite side by side, live."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    JsonOption,
    StoreOption,
    WaitOption,
    parse_size,
)

PythonOption = Annotated[
    str | None,
    typer.Option(
        metavar="PYTHON",
        help="Its interpreter, or virtual environment; dyno's own if left out.",
        show_default=False,
    ),
]


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    case_a: Annotated[
        str, typer.Argument(metavar="CASE_A", help="A case's id: what is held against.")
    ],
    case_b: Annotated[str, typer.Argument(metavar="CASE_B", help="A case's id: what is judged.")],
    python_a: PythonOption = None,
    python_b: PythonOption = None,
    store: StoreOption = DEFAULT_STORE,
    json: JsonOption = None,
    device: DeviceOption = "",
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Measure two cases of a suite side by side.

    They may differ in precision, backend, options or interpreter. `dyno plan SUITE` lists the ids.
    Nothing is stored.

    Exit code: 0 judged, 1 a case failed, 2 wrong usage or input, 4 UNSURE or INCOMPARABLE,
    130 interrupted.
    """
    from rich.console import Console

    from harness.cli.ci import write_file
    from harness.cli.streams import heard_or_not
    from harness.cli.verdict_lines import make_gate_observer
    from harness.environment import describe
    from harness.exit_codes import compare_code
    from harness.paired.compare import comparing
    from harness.vocabulary import installed_vocabulary
    from results.report.comparison import content, text
    from results.report.verdicts import Verdicts
    from suites.load import load_suite

    vocabulary = installed_vocabulary()
    if json is not None:
        write_file(json, b"{}\n")  # told before anything is measured where it cannot be written
    with (
        make_gate_observer() as observer,
        comparing(
            load_suite(suite, vocabulary),
            vocabulary,
            (case_a, case_b),
            pythons=(python_a, python_b),
            store=store,
            wait=wait,
            cache=cache,
            cache_bytes=parse_size(cache_size, option="--cache-size"),
            device=device,
            observer=observer,
        ) as contest,
    ):
        found = contest.execute()
    code = compare_code(found.outcome)
    with heard_or_not():
        Console().print(Verdicts(content=content(found, describe(found.environment))))
    if json is not None:
        write_file(json, text(found, exit_code=code).encode())
    raise typer.Exit(code)
