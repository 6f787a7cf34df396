"""`dyno build`: the engines of a suite into the cache, measuring nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.lines import print_line
from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    OnlyOption,
    StoreOption,
    WaitOption,
    parse_size,
)
from results.report.wording import one_line, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.ahead import Ahead
    from harness.build import Built


def command(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="SM[,SM…]",
            help="Build for CUDA devices of these compute capabilities, such as sm86,sm120, which "
            "need not be here.",
        ),
    ] = None,
    only: OnlyOption = "",
    device: DeviceOption = "",
    store: StoreOption = DEFAULT_STORE,
    wait: WaitOption = False,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Build the engines of a suite ahead of time.

    Measures nothing. A later run takes the engines from the cache.

    Exit code: 0 built, 1 a build failed, 2 wrong usage or input, 4 nothing built.
    """
    from harness.ahead import Workshop
    from harness.devices import parse_targets
    from harness.vocabulary import installed_vocabulary
    from suites.load import load_suite
    from suites.matrix import parse_only

    targets = () if target is None else parse_targets(target)
    vocabulary = installed_vocabulary()
    loaded = load_suite(suite, vocabulary)
    workshop = Workshop.make(
        store,
        cache,
        cache_bytes=parse_size(cache_size, option="--cache-size"),
        wait=wait,
        told=_tell_waiting,
    )
    chosen = parse_only(only) if only else ()
    raise typer.Exit(
        _tell(workshop.build(loaded, vocabulary, targets=targets, only=chosen, device=device))
    )


def _tell_waiting(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _tell(made: Iterable[Ahead]) -> int:
    """Print engines and failures as they come, then what was skipped and counts; return the code.

    An engine that several cases share is told with the first of them, a reason to skip with its
    number of cases.
    """
    from collections import Counter

    from harness.build import Built
    from harness.exit_codes import build_code
    from results.record import Failed

    cached: dict[str, bool] = {}
    skipped: Counter[str] = Counter()
    ready = failed = 0
    for ahead in made:
        result = ahead.result
        if isinstance(result, Built):
            ready += 1
            if result.key not in cached:
                cached[result.key] = result.cached
                print_line(f"built {ahead.case.id}  {ahead.target}  {_made(result)}")
        elif isinstance(result, Failed):
            failed += 1
            told = sentences(f"{result.kind}: {result.message}", result.hint)
            print_line(f"FAIL  {ahead.case.id}  {ahead.target}  {told}")
        else:
            skipped[f"{ahead.target}  {one_line(result.reason)}"] += 1
    for told, count in skipped.items():
        print_line(f"skip  {_cases(count)}  {told}")
    found = sum(cached.values())
    print_line(
        f"{ready} of {_cases(ready + failed + skipped.total())} with an engine: "
        f"{len(cached) - found} built, {found} from the cache; "
        f"{skipped.total()} skipped, {failed} failed"
    )
    return build_code(ready=ready, failed=failed)


def _made(built: Built) -> str:
    from results.report.units import duration, size

    took = "cached" if built.cached else duration(built.build_ns)
    return f"{size(built.engine_bytes)}  {took}"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"
