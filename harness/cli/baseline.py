"""`dyno baseline`: pinning the side that a gate measures against, and what is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.lines import print_line
from harness.cli.opening import open_store, store_option
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
from harness.cli.streams import tell
from harness.exit_codes import CASE_FAILED, OK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.baseline.pin import Pin, Pinner
    from harness.baseline.shelf import Shelf
    from results.baseline import Baseline
    from results.gates import Gates

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Pin, show or replace the side that a gate measures against.",
)


@group.command("pin")
def pin_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What `dyno gate --baseline NAME` calls it.")
    ],
    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE",
            help="A suite's file, or the name of a shipped one; left out, the first gate of a "
            "suite pins its cases as they are then.",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="PYTHON",
            help="The interpreter that runs the baseline, or its virtual environment; that of "
            "NAME, or else of dyno, if left out.",
            show_default=False,
        ),
    ] = None,
    only: OnlyOption = "",
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
    device: DeviceOption = "",
    wait: WaitOption = False,
) -> None:
    """Pin an interpreter's versions, and a suite's models and inputs.

    Measures nothing. Models and inputs are copied into the store.

    Exit code: 0 pinned, 1 pinned without cases that failed, 2 wrong usage or input.
    """
    from harness.baseline.pin import Pinner

    pinner = Pinner(
        store=store,
        cache=cache,
        cache_bytes=parse_size(cache_size, option="--cache-size"),
        device=device,
        wait=wait,
        waiting=tell,
    )
    pin = _pin(pinner, name, suite, python, only)
    tell_pin(pin, store, suite)
    raise typer.Exit(CASE_FAILED if pin.failed else OK)


@group.command("list")
def list_command(store: StoreOption = DEFAULT_STORE) -> None:
    """List the baselines that nothing has replaced, newest first."""
    from rich.console import Console

    from results.report.baselines import BaselineList

    Console().print(BaselineList(baselines=_present(_gates(store))))


@group.command("show")
def show_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A baseline's name, or its id.")],
    suite: Annotated[
        str | None, typer.Argument(metavar="SUITE", help="Only that of this suite, by its name.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show what is pinned under a name, and its size on disk."""
    from rich.console import Console

    from harness.baseline.shelf import Shelf
    from results.report.baselines import BaselineSheet

    gates, shelf, console = _gates(store), Shelf.of(store), Console()
    found = [one for one in _present(gates) if one.name == name and suite in (None, one.suite)]
    for number, baseline in enumerate(found or [_by_id(gates, name, suite)]):
        if number:
            console.print()
        console.print(BaselineSheet(baseline=baseline, size_bytes=shelf.size_bytes(baseline)))


def _pin(pinner: Pinner, name: str, suite: str | None, python: str | None, only: str) -> Pin:
    """Return what was pinned, once it is stored; nothing is made where the name is not free."""
    from harness.baseline.pin import Pin, check_name, interpreter_of
    from harness.vocabulary import installed_vocabulary
    from results.gates import Gates
    from results.store import Store
    from suites.load import load_suite
    from suites.matrix import parse_only

    vocabulary = installed_vocabulary()
    loaded = load_suite(suite, vocabulary) if suite is not None else None
    chosen = parse_only(only) if only else ()
    gates = Gates(Store(pinner.store))
    check_name(gates, name, loaded.name if loaded else "")
    python = interpreter_of(gates, name) if python is None else python
    if loaded is None:
        pin = Pin(baseline=pinner.interpreter(name, python))
    else:
        pin = pinner.suite(loaded, vocabulary, name=name, python=python, only=chosen)
    gates.add_baseline(pin.baseline)
    return pin


def tell_pin(pin: Pin, store: Path, suite: str | None) -> None:
    """Print what was pinned, where, and what was left out: failures each, skips by reason.

    `suite` is what the user called it.
    """
    import shlex
    from collections import Counter

    from harness.baseline.shelf import Shelf
    from results.report.baselines import versions

    baseline = pin.baseline
    for line in _pinned_lines(baseline, Shelf.of(store)):
        print_line(line)
    print_line(f"with {baseline.python}: {versions(baseline)}")
    skipped: Counter[str] = Counter()
    for case_id, why in baseline.left_out.items():
        if case_id in pin.failed:
            print_line(f"FAIL  {case_id}  {why}")
        else:
            skipped[why] += 1
    for why, count in skipped.items():
        print_line(f"skip  {_count(count, 'case')}  {why}")
    if suite is not None:
        gate = f"dyno gate {shlex.quote(suite)} --baseline {baseline.name} {store_option(store)}"
        print_line(f"gate against it with: {gate.rstrip()}")


def _pinned_lines(baseline: Baseline, shelf: Shelf) -> Iterator[str]:
    from results.report.units import size

    if not baseline.suite:
        yield f"pinned {baseline.name} ({baseline.id}): an interpreter"
        yield (
            f"the first 'dyno gate SUITE --baseline {baseline.name}' pins that suite's cases "
            "as they are then"
        )
        return
    models = len({case.model_sha256 for case in baseline.cases})
    yield (
        f"pinned {baseline.name} ({baseline.id}): {_count(len(baseline.cases), 'case')} of suite "
        f"{baseline.suite}, {_count(models, 'model')}, {size(shelf.size_bytes(baseline))} "
        f"in {shelf.root}"
    )


def _gates(store: Path) -> Gates:
    from results.gates import Gates

    return Gates(open_store(store))


def _by_id(gates: Gates, text: str, suite: str | None) -> Baseline:
    """Return the baseline of that id, also one that was replaced. Raises StoreError for none."""
    for one in gates.baselines():
        if one.id == text and suite in (None, one.suite):
            return one
    return gates.baseline(text, suite or "")


def _present(gates: Gates) -> list[Baseline]:
    """Return the baselines that nothing has replaced, newest first."""
    found = gates.baselines()
    replaced = {one.replaces for one in found}
    return [one for one in reversed(found) if one.id not in replaced]


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
