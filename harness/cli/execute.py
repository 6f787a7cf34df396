"""What `run` and `bench` share: execute a suite, draw its progress, print its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.cli.options import parse_size
from harness.cli.progress import make_observer
from harness.cli.show import show
from harness.cli.streams import heard_or_not, tell
from harness.exit_codes import INTERRUPTED, exit_code
from harness.start import starting
from suites.matrix import parse_only

if TYPE_CHECKING:
    from pathlib import Path

    from results.record import RunResult
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """The exit code that a run earned, and the run as it is stored; None where nothing is."""

    code: int
    result: RunResult | None


def execute(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    store: Path,
    name: str,
    only: str,
    wait: bool,
    resume: str | None,
    cache: Path | None,
    cache_size: str,
    device: str,
) -> Executed:
    """Run the suite and print the report."""
    with (
        make_observer() as observer,
        starting(
            suite,
            vocabulary,
            store=store,
            name=name,
            only=parse_only(only) if only else (),
            resume=resume,
            wait=wait,
            cache=cache,
            cache_bytes=parse_size(cache_size, option="--cache-size"),
            device=device,
            observer=observer,
        ) as runner,
    ):
        interrupted = False
        try:
            runner.execute()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and not runner.store.has_run(runner.run.id):
        return Executed(code=INTERRUPTED, result=None)
    with heard_or_not():
        show(runner.store, runner.run.id, "rich")
    result = runner.store.read_run(runner.run.id)
    if interrupted:
        tell("interrupted: what was measured is kept; go on with --resume")
        return Executed(code=INTERRUPTED, result=result)
    code = exit_code([case.outcome for case in result.cases if case.outcome is not None])
    return Executed(code=code, result=result)
