"""What cases of a part of a run are held against: their fp32 equals, and the machine's ceilings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from results.work import Ceilings, ceilings

if TYPE_CHECKING:
    from results.record import CaseResult, RunResult
    from results.summary import Summary
    from suites.case import Case

REFERENCE = "fp32"
SummariesOf = Callable[["RunResult"], Mapping[int, "Summary"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Summaries of fp32 cases by their case, and the best rates that were measured."""

    fp32: Mapping[Case, Summary] = field(default_factory=dict)
    ceilings: Ceilings = field(default_factory=Ceilings)

    def speed(self, case: CaseResult, summary: Summary) -> float | None:
        """Return p50 of the case in fp32, all else equal, over its own: above 1 it is faster.

        Of several streams, which have no p50, it is the queries per second. A plain ratio of two
        estimates, no verdict. None for an fp32 case itself.
        """
        equal = None if _is_reference(case) else self.fp32.get(_equal(case))
        if equal is None:
            return None
        if equal.latency is None and summary.latency is None:
            return summary.rates.queries_per_s / equal.rates.queries_per_s
        if equal.latency is None or summary.latency is None:
            return None
        return equal.latency.p50_ns / summary.latency.p50_ns


def references(
    run: RunResult, part: RunResult, summaries: Mapping[int, Summary], of: SummariesOf
) -> References:
    """Return what the cases of a part are held against, all of it from the same run.

    `summaries` are the part's; `of` is asked for those of cases outside of it that are needed.
    """
    wanted = {_equal(case) for case in part.cases if is_judged(case)}
    models = {case.model for case in wanted}
    needed = [
        case
        for case in run.cases
        if _is_ceiling(case)
        or (case.record.case.model in models and _is_reference(case) and case.record.case in wanted)
    ]
    lacking = (case for case in needed if case.record.position not in summaries)
    beyond = tuple(case for case in lacking if case.launches)
    found = {**summaries, **(of(replace(run, cases=beyond)) if beyond else {})}
    told = [(case, found[case.record.position]) for case in needed if case.record.position in found]
    return References(
        fp32={case.record.case: summary for case, summary in told if _is_reference(case)},
        ceilings=ceilings(told),
    )


def is_judged(case: CaseResult) -> bool:
    """Return whether anything is known of the case's precision or accuracy."""
    return case.record.effect is not None or case.accuracy is not None


def _is_ceiling(case: CaseResult) -> bool:
    return case.record.cost is not None and bool(case.record.cost.ceiling)


def _is_reference(case: CaseResult) -> bool:
    return case.record.case.precision == REFERENCE


def _equal(case: CaseResult) -> Case:
    return replace(case.record.case, precision=REFERENCE)
