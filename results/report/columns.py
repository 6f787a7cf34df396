"""The columns of a report's tables as text cells: a name, a unit and a cell a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.record import CaseResult, Measured
from results.report.asides import state
from results.report.units import BYTES, MISSING, PERCENT, RATES, TIMES, Scale, aligned, scaled
from results.summary import Percentile, Summary

_KEPT = ("p99", "steps", "p95", "p90", "CPU", "p99_9", "RSS", "launches")
_DROPS = {name: rank for rank, name in enumerate(_KEPT, 1)}
"""What a narrow terminal leaves out, the last first; identity, p50 and rates stay."""
Read = Callable[[Summary], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its head, its unit and a cell a row; cells of numbers are equally wide.

    A narrow terminal leaves out the columns with the greatest `drop` first, and none with 0; before
    that it folds text to `narrow` characters where that is not 0. `best` is the row of the best
    value.
    """

    name: str
    unit: str = ""
    cells: tuple[str, ...]
    is_number: bool = True
    drop: int = 0
    narrow: int = 0
    best: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The cases of a table and their summaries, None for those that have none.

    Rows that do not compete, such as different models, have no best.
    """

    cases: tuple[CaseResult, ...]
    found: tuple[Summary | None, ...]
    compete: bool = True

    def column(
        self,
        name: str,
        read: Read,
        scale: Scale = TIMES,
        *,
        drop: int = 0,
        digits: int = 3,
        span: Sequence[float] = (),
        best: Callable[[Sequence[float]], float] | None = None,
        words: bool = False,
    ) -> Column:
        """Return a column of numbers; with `words`, rows without a summary say how they ended."""
        values = [None if summary is None else read(summary) for summary in self.found]
        gaps = [
            MISSING if summary else (state(case) if words else "")
            for case, summary in zip(self.cases, self.found, strict=True)
        ]
        numbers = scaled(values, scale, gaps=gaps, digits=digits, span=span)
        row = self._best(values, best) if best else None
        return Column(name=name, unit=numbers.unit, cells=numbers.cells, drop=drop, best=row)

    def span(self, reads: Sequence[Read]) -> list[float]:
        """Return all numbers of several columns: they share a unit, to be read across a row."""
        found = [read(summary) for summary in self.found if summary for read in reads]
        return [value for value in found if value is not None]

    def has(self, read: Read) -> bool:
        """Return whether any row has the number."""
        return any(summary is not None and read(summary) is not None for summary in self.found)

    def _best(
        self, values: Sequence[float | None], choose: Callable[[Sequence[float]], float]
    ) -> int | None:
        """Return the row of the best closed case; one alone is not the best of anything."""
        closed = [
            value if isinstance(case.outcome, Measured) else None
            for case, value in zip(self.cases, values, strict=True)
        ]
        present = [value for value in closed if value is not None]
        return closed.index(choose(present)) if self.compete and len(present) > 1 else None


def numbers(cases: Sequence[CaseResult]) -> Column:
    """Return the places of the cases in the suite, from 1."""
    return Column(name="#", cells=aligned([str(case.record.position + 1) for case in cases]))


def texts(name: str, cells: Sequence[str], *, narrow: int = 0, drop: int = 0) -> Column:
    """Return a column of text."""
    return Column(name=name, cells=tuple(cells), is_number=False, narrow=narrow, drop=drop)


def known(
    name: str, values: Sequence[float | None], scale: Scale, *, drop: int = 0, digits: int = 3
) -> tuple[Column, ...]:
    """Return a column of numbers, or none where no row has any."""
    if all(value is None for value in values):
        return ()
    found = scaled(values, scale, digits=digits)
    return (Column(name=name, unit=found.unit, cells=found.cells, drop=drop),)


def latencies(rows: Rows, tails: Sequence[str]) -> tuple[Column, ...]:
    """Return p50, its interval and the percentiles of the fields `tails`, all in one unit."""
    span = rows.span([_p50, *map(_tail, tails)])
    return (
        rows.column("p50", _p50, span=span, best=min, words=True),
        rows.column("±", _half_width_percent, PERCENT, digits=2),
        *(
            rows.column(field.replace("_", "."), _tail(field), span=span, drop=_DROPS[field])
            for field in tails
        ),
    )


def rates(rows: Rows) -> tuple[Column, ...]:
    """Return queries and samples per second, and steps where a case has any."""
    queries = rows.column("queries", lambda summary: summary.rates.queries_per_s, RATES)
    samples = rows.column("samples", lambda summary: summary.rates.samples_per_s, RATES, best=max)
    if not rows.has(_steps):
        return queries, samples
    return queries, samples, rows.column("steps", _steps, RATES, drop=_DROPS["steps"])


def load(rows: Rows) -> tuple[Column, ...]:
    """Return the CPU that the queries took, and memory where it is known."""
    cpu = rows.column("CPU", lambda summary: summary.load.cpu_percent, PERCENT, drop=_DROPS["CPU"])
    if not rows.has(_rss):
        return (cpu,)
    return cpu, rows.column("RSS", _rss, BYTES, drop=_DROPS["RSS"])


def cold(rows: Rows) -> tuple[Column, ...]:
    """Return launches and the steps to the first answer, each in its own unit."""
    cells = aligned([str(case.launches) for case in rows.cases])
    launches = Column(name="launches", cells=cells, drop=_DROPS["launches"])
    return launches, *(rows.column(name, read) for name, read in _COLD.items())


def _p50(summary: Summary) -> float | None:
    return None if summary.latency is None else summary.latency.p50_ns


def _half_width_percent(summary: Summary) -> float | None:
    interval = summary.interval
    return None if interval is None else 100 * interval.half_width


def _tail(field: str) -> Read:
    def read(summary: Summary) -> float | None:
        percentile = getattr(summary.latency, field, None)
        return percentile.value_ns if isinstance(percentile, Percentile) else None

    return read


def _steps(summary: Summary) -> float | None:
    return summary.rates.steps_per_s


def _rss(summary: Summary) -> float | None:
    return summary.load.peak_rss_bytes


_COLD: Mapping[str, Read] = {
    "build": lambda summary: summary.cold.build_ns,
    "start": lambda summary: summary.cold.start_ns,
    "open": lambda summary: summary.cold.open_ns,
    "first query": lambda summary: summary.cold.first_query_ns,
}
