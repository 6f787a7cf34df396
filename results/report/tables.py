"""The tables of a report as text cells, for any form of it: of the models, and the cold path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.report.asides import STATES, Aside, asides, state, stories
from results.report.columns import Column, Rows, cold, latencies, load, numbers, rates, texts
from results.report.identity import Axis, axes, case_numbers
from results.report.units import aligned

if TYPE_CHECKING:
    from results.record import CaseResult, RunResult
    from results.summary import Summary

BEST = "*"
"""Stands behind the best of a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table. `subtitle` is what all rows share, where the title is not that already.

    `states` says how each row's case ended, `asides` why some have no numbers.
    """

    title: str
    subtitle: str = ""
    columns: tuple[Column, ...]
    states: tuple[str, ...]
    asides: tuple[Aside, ...] = ()


def model_tables(
    run: RunResult,
    summaries: Mapping[int, Summary],
    *,
    tails: Sequence[str],
    marks: Mapping[int, str],
) -> tuple[Table, ...]:
    """Return a table a model, in the order of the suite, then one of all models with one case.

    `tails` are the fields of the percentiles to show, `marks` the footnotes of a case by position.
    """
    several, single = grouped(run.cases)
    tables = [
        _table(_rows(cases, summaries), tails=tails, marks=marks, title=cases[0].record.case.model)
        for cases in several
    ]
    if single:
        tables.append(_table(_rows(single, summaries, compete=False), tails=tails, marks=marks))
    return tuple(tables)


def cold_path(run: RunResult, summaries: Mapping[int, Summary]) -> Table | None:
    """Return the table of what comes before the first answer; None where nothing was measured."""
    cases = tuple(case for case in run.cases if case.record.position in summaries)
    if not cases:
        return None
    names = texts("case", [case.record.id for case in cases])
    return Table(
        title="cold path",
        subtitle="medians over launches; the build once, beside other builds",
        columns=(numbers(cases), names, *cold(_rows(cases, summaries))),
        states=tuple(map(state, cases)),
        asides=_unbuilt(cases),
    )


def _unbuilt(cases: Sequence[CaseResult]) -> tuple[Aside, ...]:
    """Return the line that says whose build time is that of an earlier build."""
    cached = [case.record.position for case in cases if case.record.engine_cached]
    if not cached:
        return ()
    head = f"{case_numbers(cached)} cached:"
    text = "the engine came from the cache, and the build is the one that put it there."
    return (Aside(state="measured", head=head, text=text),)


def ranked(
    cases: Sequence[CaseResult],
    summaries: Mapping[int, Summary],
    *,
    title: str,
    subtitle: str,
    tails: Sequence[str],
    marks: Mapping[int, str],
) -> Table:
    """Return a table of cases of any models, in the order given; they do not compete."""
    rows = _rows(cases, summaries, compete=False)
    names = texts("case", [case.record.id for case in cases])
    measured = (*latencies(rows, tails), *rates(rows), *_noted(rows, marks))
    return Table(
        title=title,
        subtitle=subtitle,
        columns=(numbers(cases), names, *measured),
        states=tuple(map(state, cases)),
    )


def counts(cases: Sequence[CaseResult], most: int) -> Table:
    """Return the table of how many cases of a model and backend ended how.

    Of more than `most` rows, those with most failures stay.
    """
    found: dict[tuple[str, str], Counter[str]] = {}
    for case in cases:
        key = (case.record.case.model, case.record.case.backend)
        found.setdefault(key, Counter())[state(case)] += 1
    subtitle = f"{len(cases)}, by model and backend"
    if len(found) > most:
        subtitle += f", {most} of {len(found)}: most failures first"
        failing = sorted(found.items(), key=lambda entry: -entry[1]["failed"])
        found = dict(failing[:most])
    ended = [name for name in STATES if any(count[name] for count in found.values())]
    models, backends = zip(*found, strict=True) if found else ((), ())
    tallies = (aligned([str(count[name]) for count in found.values()]) for name in ended)
    return Table(
        title="cases",
        subtitle=subtitle,
        columns=(
            texts("model", models),
            texts("backend", backends),
            *(Column(name=name, cells=cells) for name, cells in zip(ended, tallies, strict=True)),
        ),
        states=("",) * len(found),
        asides=stories(cases),
    )


def grouped(
    cases: Sequence[CaseResult],
) -> tuple[tuple[tuple[CaseResult, ...], ...], tuple[CaseResult, ...]]:
    """Return the cases of each model with a table of its own, and those that share the last one.

    A single model with a single case has nothing to share a table with.
    """
    models: dict[str, list[CaseResult]] = {}
    for case in cases:
        models.setdefault(case.record.case.model, []).append(case)
    single = tuple(found[0] for found in models.values() if len(found) == 1)
    least = 1 if len(single) == 1 else 2
    several = tuple(tuple(found) for found in models.values() if len(found) >= least)
    return several, single if least > 1 else ()


def identified(
    cases: Sequence[CaseResult], *, models: bool = True
) -> tuple[tuple[Column, ...], str]:
    """Return the columns that tell cases apart, and in words what all of them share.

    Without `models` neither says which model a case is of.
    """
    varying, shared = axes([case.record for case in cases])
    names = [case.record.case.model for case in cases] if models else []
    several = len(set(names)) > 1
    told = (texts("model", names),) if several else ()
    phrases = [*([] if several else names[:1]), *(axis.phrase for axis in shared)]
    columns = (numbers(cases), *told, *(_identity(axis) for axis in varying))
    return columns, " · ".join(phrases)


def _rows(
    cases: Sequence[CaseResult], summaries: Mapping[int, Summary], *, compete: bool = True
) -> Rows:
    found = tuple(summaries.get(case.record.position) for case in cases)
    return Rows(cases=tuple(cases), found=found, compete=compete)


def _table(rows: Rows, *, tails: Sequence[str], marks: Mapping[int, str], title: str = "") -> Table:
    """Return the table of one model; without a title, of a model a row under what they share."""
    identity, phrases = identified(rows.cases, models=not title)
    states = tuple(map(state, rows.cases))
    measured = (*latencies(rows, tails), *rates(rows), *load(rows), *_noted(rows, marks))
    return Table(
        title=title or phrases or "one case a model",
        subtitle=phrases if title else "",
        columns=(*identity, *(measured if any(rows.found) else (texts("outcome", states),))),
        states=states,
        asides=asides(rows.cases),
    )


def _noted(rows: Rows, marks: Mapping[int, str]) -> tuple[Column, ...]:
    notes = [marks.get(case.record.position, "") for case in rows.cases]
    return (texts("notes", notes),) if any(notes) else ()


def _identity(axis: Axis) -> Column:
    cells = aligned(axis.texts) if axis.is_number else axis.texts
    return Column(name=axis.name, cells=cells, is_number=axis.is_number)
