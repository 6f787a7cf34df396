"""Rebasing: a new baseline goes on with the series of an old one, measured against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.baseline.site import BaselineError
from results.baseline import Baseline, Splice

if TYPE_CHECKING:
    from harness.baseline.pin import Pin, Pinner
    from results.gates import Gates
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

Measure = Callable[[Baseline], Mapping[str, Splice]]
"""Measures the new baseline against the old one, side by side; splices are by case."""


def rebase(
    pinner: Pinner,
    gates: Gates,
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    name: str,
    python: str | None = None,
    measure: Measure,
) -> Pin:
    """Return the baseline of the suite as it is now, once it is stored in place of the newest one.

    `python` is by default the interpreter that was pinned. Nothing is stored unless `measure`
    returns. Raises BaselineError where the suite is not pinned under that name, and what
    `Pinner.suite` and StoreError say.
    """
    old = gates.baseline(name, suite.name)
    if not old.suite:
        raise BaselineError(
            f"{name}: expected a baseline of suite {suite.name!r} to replace, got an interpreter "
            f"that waits for its first gate. Pin it with 'dyno gate SUITE --baseline {name}'."
        )
    python = old.python if python is None else python
    pin = pinner.suite(suite, vocabulary, name=old.name, python=python)
    made = repinned(old, pin.baseline, measure(pin.baseline))
    gates.add_baseline(made)
    return replace(pin, baseline=made)


def repinned(old: Baseline, new: Baseline, splices: Mapping[str, Splice]) -> Baseline:
    """Return the new baseline with the splices of its cases; it replaces the old one."""
    cases = tuple(replace(case, splice=splices.get(case.case.id)) for case in new.cases)
    return replace(new, replaces=old.id, cases=cases)


def unspliced(old: Baseline, new: Baseline) -> tuple[str, ...]:
    """Return the cases of both baselines that have no splice: their series begin anew."""
    before = {case.case.id for case in old.cases}
    return tuple(
        case.case.id for case in new.cases if case.splice is None and case.case.id in before
    )
