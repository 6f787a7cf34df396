"""`dyno plan`: what a suite would run here, what it would skip and why, and how long it takes."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.lines import print_line
from harness.cli.options import DEFAULT_STORE, DeviceOption, OnlyOption, StoreOption


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    only: OnlyOption = "",
    device: DeviceOption = "",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List the cases of a suite, what is skipped, and the time.

    Runs nothing, but reads the models' data sets for what is wrong with them. Says why cases are
    skipped; those with the same reason share a line.
    """
    from harness.cli.progress import time_text
    from harness.cli.settled import together
    from harness.plan import make_plan
    from harness.prepare.datasets import load_datasets
    from harness.vocabulary import installed_vocabulary
    from results.record import Failed, Skipped
    from results.report.wording import one_line, sentences
    from suites.load import load_suite
    from suites.matrix import parse_only

    vocabulary = installed_vocabulary()
    loaded = load_suite(suite, vocabulary)
    chosen = parse_only(only) if only else ()
    plan = make_plan(loaded, vocabulary, only=chosen, store=store, device=device)
    load_datasets(plan)
    lines = [f"  run   {planned.case.id}" for planned in plan.runnable]
    for whose, _, outcome in together(plan.settled):
        if isinstance(outcome, Failed):
            lines.append(f"  FAIL  {whose}  {sentences(outcome.message, outcome.hint)}")
        elif isinstance(outcome, Skipped):
            lines.append(f"  skip  {whose}  {one_line(outcome.reason)}")
    total, runnable = len(plan.cases), len(plan.runnable)
    lines.append(
        f"{loaded.name}: {total} case{'' if total == 1 else 's'}, {runnable} to run, "
        f"{total - runnable} settled; {time_text(plan)}"
    )
    for line in lines:
        print_line(line)
