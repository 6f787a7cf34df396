"""Energy from readings of a counter that is renewed less often than it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.machine.reading import UnknownFactError
from harness.telemetry.sampling import Reading

LEAST_SHARE = 0.5
"""Of the loop between the two renewals: less is not the loop's energy but a part's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy between two renewals of the counter, and the time between them."""

    joules: float
    elapsed_ns: int


def energy_within(readings: Sequence[Reading], *, start_ns: int, end_ns: int) -> Energy:
    """Return the energy between the counter's first and last renewal from `start_ns` to `end_ns`.

    A renewal is stamped when it was first seen, so that both stamps are late by the same: less
    than the time between two readings. Raises UnknownFactError.
    """
    seen = [(each.at_ns, each.facts.values["millijoules"]) for each in readings if _told(each)]
    if readings and not seen:
        readings[-1].facts.known("millijoules")
    renewals = [
        after
        for before, after in pairwise(seen)
        if after[1] != before[1] and start_ns <= before[0] and after[0] <= end_ns
    ]
    loop_ns = end_ns - start_ns
    if len(renewals) < 2 or renewals[-1][0] - renewals[0][0] < LEAST_SHARE * loop_ns:
        raise UnknownFactError(
            f"too few renewals of the energy counter in the loop of {loop_ns / 1e9:.1f} s: "
            f"{len(renewals)}"
        )
    for (_, before), (_, after) in pairwise(renewals):
        if after < before:
            raise UnknownFactError(f"the energy counter fell from {before} to {after} mJ")
    (first_ns, first), (last_ns, last) = renewals[0], renewals[-1]
    return Energy(joules=(last - first) / 1000, elapsed_ns=last_ns - first_ns)


def _told(reading: Reading) -> bool:
    return "millijoules" not in reading.facts.unknown
