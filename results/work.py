"""How fast a case did its work, and the fastest that this machine was seen to do any; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from results.record import Measured
from results.summary import Work

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from results.effect import GraphCost
    from results.record import CaseResult
    from results.summary import Rates, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The best rates of the models that are there to find them.

    `compute` is by backend, precision and options, `memory` by backend: what the same arithmetic
    reaches under the same options, and what the same runtime moves at all.
    """

    compute: Mapping[Hashable, float] = field(default_factory=dict)
    memory: Mapping[str, float] = field(default_factory=dict)

    def compute_share(self, case: CaseResult, summary: Summary) -> float | None:
        """Return the FLOP/s as a fraction of the best, None where there is no ceiling."""
        best = self.compute.get(_arithmetic(case, summary))
        return summary.work.flops_per_s / best if summary.work and best else None

    def memory_share(self, case: CaseResult, summary: Summary) -> float | None:
        """Return the bytes per second as a fraction of the most, None where there is no ceiling."""
        best = self.memory.get(case.record.case.backend)
        return summary.work.bytes_per_s / best if summary.work and best else None


def work(cost: GraphCost, rates: Rates) -> Work:
    """Return what the queries did per second, by the elapsed time of all of them together.

    Arithmetic intensity is that of the roofline model (Williams et al. 2009,
    doi:10.1145/1498765.1498785).
    """
    moved = cost.parameter_bytes + cost.activation_bytes
    return Work(
        flops=cost.flops,
        bytes=moved,
        flops_per_s=cost.flops * rates.queries_per_s,
        bytes_per_s=moved * rates.queries_per_s,
        flops_per_byte=cost.flops / moved if moved else None,
    )


def ceilings(cases: Iterable[tuple[CaseResult, Summary]]) -> Ceilings:
    """Return the best rates of the measured cases whose models are ceilings."""
    compute: dict[Hashable, float] = {}
    memory: dict[str, float] = {}
    for case, summary in cases:
        cost, found = case.record.cost, summary.work
        if cost is None or found is None or not isinstance(case.outcome, Measured):
            continue
        if cost.ceiling == "compute":
            key = _arithmetic(case, summary)
            compute[key] = max(compute.get(key, 0.0), found.flops_per_s)
        elif cost.ceiling == "memory":
            backend = case.record.case.backend
            memory[backend] = max(memory.get(backend, 0.0), found.bytes_per_s)
    return Ceilings(compute=compute, memory=memory)


def _arithmetic(case: CaseResult, summary: Summary) -> Hashable:
    """Return what a compute ceiling is for: the precision is the one that ran, where that is known.

    An option that a case leaves at its default counts as one that it was given.
    """
    record = case.record
    options = {**dict(record.case.options), **record.options}
    precision = summary.precision or record.case.precision
    given = frozenset((name, str(value)) for name, value in options.items())
    return record.case.backend, precision, given
