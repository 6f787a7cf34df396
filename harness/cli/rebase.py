"""`dyno baseline rebase`: a new baseline in place of an old one, measured against it first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    DeviceOption,
    StoreOption,
    WaitOption,
    parse_size,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.baseline.pin import Pinner
    from results.baseline import Baseline, Splice
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the baseline.")],
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of a shipped one.")],
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="PYTHON",
            help="The interpreter of the new baseline; that of the old one if left out.",
            show_default=False,
        ),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option(
            "--anew",
            help="Measure nothing, as where the old environment is gone: every series begins anew.",
        ),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
    device: DeviceOption = "",
    wait: WaitOption = False,
) -> None:
    """Pin the suite anew, and measure the new side against the old.

    The ratios splice the history: its series go on. The old baseline stays in the store.

    Exit code: 0 pinned, 1 pinned without cases that failed, 2 wrong usage or input,
    130 interrupted: nothing is pinned.
    """
    from harness.baseline.pin import Pinner
    from harness.baseline.rebase import rebase, unspliced
    from harness.cli.baseline import tell_pin
    from harness.cli.lines import print_line
    from harness.cli.opening import open_store
    from harness.cli.streams import tell
    from harness.exit_codes import CASE_FAILED, OK
    from harness.vocabulary import installed_vocabulary
    from results.gates import Gates
    from suites.load import load_suite

    vocabulary = installed_vocabulary()
    loaded = load_suite(suite, vocabulary)
    gates = Gates(open_store(store))
    old = gates.baseline(name, loaded.name)
    pinner = Pinner(
        store=store,
        cache=cache,
        cache_bytes=parse_size(cache_size, option="--cache-size"),
        device=device,
        wait=wait,
        waiting=tell,
    )

    def measure(new: Baseline) -> Mapping[str, Splice]:
        return {} if anew else _measured(pinner, loaded, vocabulary, name, new)

    pin = rebase(pinner, gates, loaded, vocabulary, name=name, python=python, measure=measure)
    tell_pin(pin, store, suite)
    why = "nothing was measured" if anew else "it could not be measured against the old side"
    for case_id in unspliced(old, pin.baseline):
        print_line(f"anew  {case_id}  {why}")
    raise typer.Exit(CASE_FAILED if pin.failed else OK)


def _measured(
    pinner: Pinner, suite: Suite, vocabulary: Vocabulary, name: str, new: Baseline
) -> Mapping[str, Splice]:
    """Return the splices of the new baseline, measured against the one of that name."""
    from harness.cli.verdict_lines import make_gate_observer
    from harness.paired.splices import splices
    from harness.paired.start import gating

    with (
        make_gate_observer() as observer,
        gating(
            suite,
            vocabulary,
            baseline=name,
            kind="rebase",
            store=pinner.store,
            wait=pinner.wait,
            cache=pinner.cache,
            cache_bytes=pinner.cache_bytes,
            device=pinner.device,
            python=new.python,
            observer=observer,
        ) as gate,
    ):
        gate.execute()
    return splices(gate.gates.read_gate(gate.record.id).cases)
