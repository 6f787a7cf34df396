"""The tables of a report and what belongs to them, whole or part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from results.relative import References, references
from results.report.accuracy import judged
from results.report.device import on_device
from results.report.footnotes import Footnote, footnotes, marks, tails
from results.report.heading import INTERVAL_RULE
from results.report.tables import Table, cold_path, grouped, model_tables
from results.report.work import working
from results.summaries import PAGE
from results.totals import measured

if TYPE_CHECKING:
    from results.record import RunResult
    from results.summary import Summary

PART_ROWS = PAGE
"""Rows of a table at most where a report is drawn part by part: so many are held at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Tables, the footnotes that their rows point to, and sentences to end with.

    `has_numbers` is whether any row has some, `interval_rule` what then holds for all of them.
    """

    tables: tuple[Table, ...]
    notes: Sequence[Footnote]
    has_numbers: bool
    remarks: tuple[str, ...] = ()
    interval_rule: str = INTERVAL_RULE

    @property
    def has_best(self) -> bool:
        """Return whether a column marks its best."""
        return any(column.best is not None for table in self.tables for column in table.columns)


def body(
    run: RunResult, summaries: Mapping[int, Summary], against: References | None = None
) -> Body:
    """Return every case of the run: the models' tables, then what else is known of the cases.

    `against` is what they are held against where that is not in `run` itself.
    """
    against = against or references(run, run, summaries, lambda _: {})
    shown = measured(run, summaries)
    notes = footnotes(shown)
    tables = model_tables(run, summaries, tails=tails(shown), marks=marks(notes))
    further = (
        judged(run.cases, summaries, against),
        working(shown, against.ceilings),
        on_device(shown, marks(notes)),
        cold_path(run, summaries),
    )
    return Body(
        tables=(*tables, *(table for table in further if table)),
        notes=notes,
        has_numbers=bool(shown),
    )


def parts(run: RunResult) -> Iterator[RunResult]:
    """Yield the run a model at a time, one of many cases in parts, then models with one case."""
    several, single = grouped(run.cases)
    for cases in (*several, single):
        for start in range(0, len(cases), PART_ROWS):
            yield replace(run, cases=cases[start : start + PART_ROWS])
