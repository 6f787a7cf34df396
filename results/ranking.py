"""Which cases of a big run to look at first, by the few numbers that ranking takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from results.record import CaseResult, Measured, Protocol, RunResult
from results.summary import Summary

PATHS = (
    "$.launches",
    "$.latency.p50_interval.half_width",
    "$.rates.per_query.half_width",
    "$.rates.samples_per_s",
    "$.protocol",
    "$.notes",
)
"""Where a stored summary holds the fields of a Glance, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The part of a summary that ranks its case; fields are those of Summary.

    `half_width` is that of the interval which the stopping rule judged, None for a single launch.
    """

    launches: int
    half_width: float | None
    samples_per_s: float
    protocol: Protocol
    notes: tuple[str, ...]

    @classmethod
    def of(cls, summary: Summary) -> Glance:
        """Return what ranks a case of this summary."""
        interval = summary.interval
        return cls(
            launches=summary.launches,
            half_width=None if interval is None else interval.half_width,
            samples_per_s=summary.rates.samples_per_s,
            protocol=summary.protocol,
            notes=summary.notes,
        )


def read_glance(text: str) -> Glance:
    """Return the glance of the JSON array of what is at `PATHS`."""
    launches, of_p50, per_query, samples_per_s, protocol, notes = json.loads(text)
    return Glance(
        launches=launches,
        half_width=per_query if of_p50 is None else of_p50,
        samples_per_s=samples_per_s,
        protocol=Protocol(**protocol),
        notes=tuple(notes),
    )


Glances = Mapping[int, Glance]
"""By the position of the case."""


def fastest(run: RunResult, glances: Glances) -> tuple[CaseResult, ...]:
    """Return the case of most samples per second of each model and backend, in their order."""
    found: dict[tuple[str, str], CaseResult] = {}
    for result in run.cases:
        if result.record.position in glances and isinstance(result.outcome, Measured):
            case = result.record.case
            best = found.setdefault((case.model, case.backend), result)
            if _samples(glances, result) > _samples(glances, best):
                found[case.model, case.backend] = result
    return tuple(found.values())


def widest(run: RunResult, glances: Glances) -> tuple[CaseResult, ...]:
    """Return the measured cases by the half-width of p50's interval, the widest first.

    Those of a single launch, without an interval, come before all.
    """
    measured = [
        case
        for case in run.cases
        if case.record.position in glances and isinstance(case.outcome, Measured)
    ]
    return tuple(sorted(measured, key=lambda case: _certainty(glances[case.record.position])))


def note_counts(glances: Glances) -> tuple[tuple[str, int], ...]:
    """Return each code of a note with the cases that have it, the most frequent first."""
    return tuple(
        Counter(code for glance in glances.values() for code in glance.notes).most_common()
    )


def _samples(glances: Glances, case: CaseResult) -> float:
    return glances[case.record.position].samples_per_s


def _certainty(glance: Glance) -> float:
    return float("-inf") if glance.half_width is None else -glance.half_width
