"""The tables of a report as text cells, for any form of it: one a model, and the cold path."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.record import CaseResult, Failed, Percentile, RunResult, Skipped, Summary
from results.report.identity import Axis, axes
from results.report.units import BYTES, MISSING, PERCENT, RATES, TIMES, Scale, aligned, scaled
from results.report.wording import sentence

BEST = "*"
"""Stands behind the best of a column."""
_KEPT = ("p99", "p99_9", "steps", "p95", "p90", "CPU", "RSS", "launches")
_DROPS = {name: rank for rank, name in enumerate(_KEPT, 1)}
"""What a narrow terminal leaves out, the last first; identity, p50 and rates stay."""
Read = Callable[[Summary], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its head, its unit and a cell a row; cells of numbers are equally wide.

    A narrow terminal leaves out the columns with the greatest `drop` first, and none with 0.
    `best` is the row of the best value.
    """

    name: str
    unit: str = ""
    cells: tuple[str, ...]
    is_number: bool = True
    drop: int = 0
    best: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. `subtitle` is what all rows share, `asides` says why some have no numbers."""

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    unmeasured: frozenset[int] = frozenset()
    asides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The cases of a table and their summaries, None for those that have none."""

    cases: tuple[CaseResult, ...]
    found: tuple[Summary | None, ...]

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
            MISSING if summary else (_state(case) if words else "")
            for case, summary in zip(self.cases, self.found, strict=True)
        ]
        numbers = scaled(values, scale, gaps=gaps, digits=digits, span=span)
        row = _best(values, best) if best else None
        return Column(name=name, unit=numbers.unit, cells=numbers.cells, drop=drop, best=row)

    def span(self, reads: Sequence[Read]) -> list[float]:
        """Return all numbers of several columns: they share a unit, to be read across a row."""
        found = [read(summary) for summary in self.found if summary for read in reads]
        return [value for value in found if value is not None]

    def has(self, read: Read) -> bool:
        """Return whether any row has the number."""
        return any(summary is not None and read(summary) is not None for summary in self.found)


_COLD: dict[str, Read] = {
    "build": lambda summary: summary.cold.build_ns,
    "start": lambda summary: summary.cold.start_ns,
    "open": lambda summary: summary.cold.open_ns,
    "first query": lambda summary: summary.cold.first_query_ns,
}


def model_tables(
    run: RunResult,
    summaries: Mapping[int, Summary],
    *,
    tails: Sequence[str],
    marks: Mapping[int, str],
) -> tuple[Table, ...]:
    """Return a table a model, in the order of the suite.

    `tails` are the fields of the percentiles to show, `marks` the footnotes of a case by position.
    """
    tables = []
    for name in dict.fromkeys(case.record.case.model for case in run.cases):
        cases = tuple(case for case in run.cases if case.record.case.model == name)
        found = tuple(summaries.get(case.record.position) for case in cases)
        tables.append(_model_table(_Rows(cases=cases, found=found), tails=tails, marks=marks))
    return tuple(tables)


def cold_path(run: RunResult, summaries: Mapping[int, Summary]) -> Table | None:
    """Return the table of what comes before the first answer; None where nothing was measured."""
    cases = tuple(case for case in run.cases if case.record.position in summaries)
    if not cases:
        return None
    rows = _Rows(cases=cases, found=tuple(summaries[case.record.position] for case in cases))
    span = rows.span(list(_COLD.values()))
    return Table(
        title="cold path",
        subtitle="medians over launches; the build once, without its process",
        columns=(
            _numbers(cases),
            Column(name="case", cells=tuple(case.record.id for case in cases), is_number=False),
            Column(name="launches", cells=_launches(cases), drop=_DROPS["launches"]),
            *(rows.column(name, read, span=span) for name, read in _COLD.items()),
        ),
    )


def _model_table(rows: _Rows, *, tails: Sequence[str], marks: Mapping[int, str]) -> Table:
    varying, shared = axes([case.record for case in rows.cases])
    notes = tuple(marks.get(case.record.position, "") for case in rows.cases)
    noted = (Column(name="notes", cells=notes, is_number=False),) if any(notes) else ()
    identity = (_numbers(rows.cases), *(_identity(axis) for axis in varying))
    numbers = (*_latencies(rows, tails), *_rates(rows), *_load(rows), *noted)
    outcomes = Column(name="outcome", cells=tuple(map(_state, rows.cases)), is_number=False)
    return Table(
        title=rows.cases[0].record.case.model,
        subtitle=" · ".join(axis.phrase for axis in shared),
        columns=(*identity, *(numbers if any(rows.found) else (outcomes,))),
        unmeasured=frozenset(row for row, summary in enumerate(rows.found) if summary is None),
        asides=tuple(text for case in rows.cases if (text := _aside(case))),
    )


def _numbers(cases: Sequence[CaseResult]) -> Column:
    return Column(name="#", cells=aligned([str(case.record.position + 1) for case in cases]))


def _launches(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    return aligned([str(case.launches) for case in cases])


def _identity(axis: Axis) -> Column:
    cells = aligned(axis.texts) if axis.is_number else axis.texts
    return Column(name=axis.name, cells=cells, is_number=axis.is_number)


def _latencies(rows: _Rows, tails: Sequence[str]) -> tuple[Column, ...]:
    span = rows.span([_p50, *map(_tail, tails)])
    return (
        rows.column("p50", _p50, span=span, best=min, words=True),
        rows.column("±", _half_width_percent, PERCENT, digits=2),
        *(
            rows.column(field.replace("_", "."), _tail(field), span=span, drop=_DROPS[field])
            for field in tails
        ),
    )


def _p50(summary: Summary) -> float:
    return summary.latency.p50_ns


def _half_width_percent(summary: Summary) -> float | None:
    interval = summary.latency.p50_interval
    return None if interval is None else 100 * interval.half_width


def _tail(field: str) -> Read:
    def read(summary: Summary) -> float | None:
        percentile = getattr(summary.latency, field)
        return percentile.value_ns if isinstance(percentile, Percentile) else None

    return read


def _rates(rows: _Rows) -> tuple[Column, ...]:
    queries = rows.column("queries", lambda summary: summary.rates.queries_per_s, RATES)
    samples = rows.column("samples", lambda summary: summary.rates.samples_per_s, RATES, best=max)
    if not rows.has(_steps):
        return queries, samples
    return queries, samples, rows.column("steps", _steps, RATES, drop=_DROPS["steps"])


def _steps(summary: Summary) -> float | None:
    return summary.rates.steps_per_s


def _load(rows: _Rows) -> tuple[Column, ...]:
    cpu = rows.column("CPU", lambda summary: summary.load.cpu_percent, PERCENT, drop=_DROPS["CPU"])
    if not rows.has(_rss):
        return (cpu,)
    return cpu, rows.column("RSS", _rss, BYTES, drop=_DROPS["RSS"])


def _rss(summary: Summary) -> float | None:
    return summary.load.peak_rss_bytes


def _best(values: Sequence[float | None], choose: Callable[[Sequence[float]], float]) -> int | None:
    """Return the row of the best value; one alone is not the best of anything."""
    present = [value for value in values if value is not None]
    return values.index(choose(present)) if len(present) > 1 else None


def _state(case: CaseResult) -> str:
    if case.outcome is None:
        return "open"
    return type(case.outcome).__name__.lower()


def _aside(case: CaseResult) -> str:
    """Return why a case has no numbers, empty where it has them."""
    number, outcome = f"#{case.record.position + 1}", case.outcome
    if isinstance(outcome, Skipped):
        return f"{number} skipped: {sentence(outcome.reason)}"
    if isinstance(outcome, Failed):
        hint = f" {sentence(outcome.hint)}" if outcome.hint else ""
        return f"{number} failed ({outcome.kind}): {sentence(outcome.message)}{hint}"
    if outcome is None:
        launches = f"{case.launches} launch{'' if case.launches == 1 else 'es'} kept"
        return f"{number} open: the run ended before the case did, or still goes on; {launches}."
    return ""
