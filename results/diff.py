"""Two stored runs side by side: what each says of a case, and in what they differ; pure.

A diff describes. Nothing in it is called significant: stored times of two hours cannot tell a
change of the code from one of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from results.record import CaseResult, RunRecord, RunResult

if TYPE_CHECKING:
    from results.summary import Interval, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that the runs do not agree on, None where one does not have it."""

    field: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one run says of a case: its time per query, and the interval where there is one.

    The time is p50, or of several streams, which have none, the elapsed time per query.
    """

    case: CaseResult
    summary: Summary | None

    @property
    def time_ns(self) -> float | None:
        """Return the time per query, None without a summary."""
        if self.summary is None:
            return None
        latency = self.summary.latency
        return 1e9 / self.summary.rates.queries_per_s if latency is None else latency.p50_ns

    @property
    def interval(self) -> Interval | None:
        """Return the interval of the time."""
        return self.summary.interval if self.summary else None

    @property
    def is_elapsed(self) -> bool:
        """Return whether the time is elapsed time per query rather than p50."""
        return self.summary is not None and self.summary.latency is None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDiff:
    """A case as each run has it, None where it is not there."""

    case_id: str
    a: Told | None
    b: Told | None
    differences: tuple[Difference, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Return B's time over A's, None where they are not the same quantity."""
        if self.a is None or self.b is None or self.a.is_elapsed != self.b.is_elapsed:
            return None
        if self.a.time_ns is None or self.b.time_ns is None:
            return None
        return self.b.time_ns / self.a.time_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs: the cases of A in its order, then those that only B has."""

    a: RunRecord
    b: RunRecord
    differences: tuple[Difference, ...]
    cases: tuple[CaseDiff, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """One of the runs, its summaries by position, and what identifies its environment."""

    run: RunResult
    summaries: Mapping[int, Summary]
    identity: Mapping[str, Any]

    def told(self) -> dict[str, Told]:
        """Return what the run says of each of its cases, by id."""
        return {
            case.record.id: Told(case=case, summary=self.summaries.get(case.record.position))
            for case in self.run.cases
        }


def diff(a: StoredRun, b: StoredRun) -> RunDiff:
    """Return the runs side by side."""
    of_a, of_b = a.told(), b.told()
    return RunDiff(
        a=a.run.record,
        b=b.run.record,
        differences=tuple(_differing(_run_fields(a), _run_fields(b))),
        cases=tuple(_case(i, of_a.get(i), of_b.get(i)) for i in dict.fromkeys([*of_a, *of_b])),
    )


def _case(case_id: str, a: Told | None, b: Told | None) -> CaseDiff:
    found: Iterator[Difference] = iter(())
    if a is not None and b is not None:
        found = _differing(_prepared(a), _prepared(b))
        if a.summary is not None and b.summary is not None:
            measured = _differing(_measured(a.summary), _measured(b.summary))
            found = chain(found, measured)
    return CaseDiff(case_id=case_id, a=a, b=b, differences=tuple(found))


def _run_fields(stored: StoredRun) -> dict[str, Any]:
    record = stored.run.record
    return {
        "suite": record.suite,
        "suite_sha256": record.suite_sha256,
        "only": record.only,
        "seed": record.seed,
        "dyno_version": record.dyno_version,
        **stored.identity,
    }


def _prepared(told: Told) -> dict[str, Any]:
    """Return what the case was measured with, as far as it got."""
    record = told.case.record
    return {
        **{f"option {name}": value for name, value in record.options.items()},
        "model_sha256": record.model_sha256,
        "inputs_sha256": record.inputs_sha256,
    }


def _measured(summary: Summary) -> dict[str, Any]:
    """Return how the case was measured."""
    protocol = asdict(summary.protocol)
    return {
        "effective precision": summary.precision,
        **{f"protocol {name}": value for name, value in protocol.items()},
    }


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*a, *b]):
        if a.get(name) != b.get(name):
            yield Difference(field=name, a=a.get(name), b=b.get(name))
