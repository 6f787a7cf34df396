"""What of a big run is shown: counts, why cases failed, and the first rows of two rankings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from results.ranking import fastest, note_counts, widest
from results.report.body import Body
from results.report.footnotes import footnotes, marks, tails
from results.report.tables import Table, counts, ranked
from results.totals import measured

if TYPE_CHECKING:
    from results.ranking import Glances
    from results.record import CaseResult, RunResult
    from results.relative import SummariesOf

ROWS = 20
"""Of each table: all of them together still fit a few screens."""
MOST_STORIES = 12


def head(
    run: RunResult,
    glances: Glances,
    summaries_of: SummariesOf,
    *,
    only: str = "",
    options: str = "",
) -> Body:
    """Return the head of a big run, or of the part of it that `only` picked.

    `summaries_of` is asked for the cases in its tables alone; `options` are those of the command
    that is told to see the rest.
    """
    lists = _lists(run, glances)
    picked = {case.record.position: case for case in chain.from_iterable(lists.values())}
    part = replace(run, cases=tuple(picked[position] for position in sorted(picked)))
    summaries = summaries_of(part)
    shown = measured(part, summaries)
    notes = footnotes(shown)
    fields, numbered = tails(shown), marks(notes)
    tables = [
        ranked(cases, summaries, title=title, subtitle=text, tails=fields, marks=numbered)
        for (title, text), cases in lists.items()
    ]
    counted = counts(run.cases, ROWS)
    return Body(
        tables=(replace(counted, asides=counted.asides[:MOST_STORIES]), *tables),
        notes=notes,
        has_numbers=bool(shown),
        remarks=(
            *_unshown(counted),
            *_noted(glances),
            *_more(run, len(run.cases) - len(picked), only, options),
        ),
    )


def _lists(run: RunResult, glances: Glances) -> dict[tuple[str, str], tuple[CaseResult, ...]]:
    """Return the cases of each ranking by title and subtitle; where none is measured, open ones."""
    best, wide = fastest(run, glances), widest(run, glances)
    so_far = () if wide else tuple(c for c in run.cases if c.outcome is None and c.launches)
    found = {
        ("most samples/s", f"the best case of each model and backend{_of(best)}"): best,
        ("widest interval", f"measured cases, the least certain p50 first{_of(wide)}"): wide,
        ("open", f"what they have so far{_of(so_far)}"): so_far,
    }
    return {named: cases[:ROWS] for named, cases in found.items() if cases}


def _of(cases: Sequence[CaseResult]) -> str:
    return f"; {ROWS} of {len(cases)}" if len(cases) > ROWS else ""


def _unshown(counted: Table) -> Iterator[str]:
    left = len(counted.asides) - MOST_STORIES
    if left > 0:
        yield f"{left} more reason{'s' if left > 1 else ''} to fail or skip stand with the cases."


def _noted(glances: Glances) -> Iterator[str]:
    told = [f"{code.replace('-', ' ')} {count}" for code, count in note_counts(glances)]
    if told:
        yield f"Notes of all {len(glances)} measured cases: {', '.join(told)}."


def _more(run: RunResult, left: int, only: str, options: str) -> Iterator[str]:
    command = f"dyno report {run.record.id}{f' {options}' if options else ''}"
    chosen = f" --only {only}" if only else ""
    yield f"{left} more cases and the cold path: {command}{chosen} --all"
    if not only:
        case = run.cases[0].record.case
        yield f"A part of them: {command} --only model={case.model},batch={case.batch}"
