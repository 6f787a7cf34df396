"""A report as what is read first, between and last; big ones ranked, or part by part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.record import Skipped
from results.relative import references
from results.report.body import Body, body, parts
from results.report.footnotes import machine_notes
from results.report.head import head
from results.report.heading import closing, heading, protocols, resume_hint

if TYPE_CHECKING:
    from collections.abc import Callable

    from results.ranking import Glances
    from results.record import Protocol, RunResult
    from results.relative import References, SummariesOf
    from results.summary import Summary

MOST_ROWS = 200
"""Rows that a report shows unasked, skipped cases apart: ten screens, a second to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the tables. `live` is whether the run goes on, `machine` one line.

    `only` is the part of the run that was asked for, `of` the cases of the whole run, `options`
    those that a further command needs to find it.
    """

    machine: str = ""
    live: bool = False
    only: str = ""
    of: int = 0
    options: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A report; `warnings` are of the machine.

    `bodies` may be made as they are drawn, so that they need not be held at once.
    """

    heading: tuple[tuple[str, str], ...]
    bodies: Iterable[Body]
    warnings: tuple[str, ...]
    closing: tuple[str, ...]


def is_big(run: RunResult) -> bool:
    """Return whether the run has more rows than a report shows unasked."""
    return sum(not isinstance(case.outcome, Skipped) for case in run.cases) > MOST_ROWS


def whole(
    run: RunResult,
    summaries: Mapping[int, Summary],
    frame: Frame,
    against: References | None = None,
) -> Content:
    """Return the report with every case, all held at once; `against` as for `body`."""
    found = [summary.protocol for summary in summaries.values()]
    return _framed(run, frame, [body(run, summaries, against)], found)


def ranked(run: RunResult, glances: Glances, of: SummariesOf, frame: Frame) -> Content:
    """Return the head of a big run's report; `of` is asked for few summaries."""
    found = [glance.protocol for glance in glances.values()]
    bodies = [head(run, glances, of, only=frame.only, options=frame.options)]
    return _framed(run, frame, bodies, found)


def streamed(
    run: RunResult,
    glances: Glances,
    of: SummariesOf,
    frame: Frame,
    *,
    fill: Callable[[RunResult], RunResult] = lambda part: part,
    within: RunResult | None = None,
) -> Content:
    """Return a big run's report with every case; `of` is asked for a part's at a time.

    `fill` gives a part's cases their accuracy; `within` is all of the run where this is not.
    """

    def drawn(part: RunResult) -> Body:
        filled, found = fill(part), of(part)
        return body(filled, found, references(within or run, filled, found, of))

    found = [glance.protocol for glance in glances.values()]
    return _framed(run, frame, map(drawn, parts(run)), found)


def _framed(
    run: RunResult, frame: Frame, bodies: Iterable[Body], found: Iterable[Protocol]
) -> Content:
    shown = f"{frame.only}: {len(run.cases)} of {frame.of} cases" if frame.only else ""
    named = (("protocol", " ".join(words)) for words in protocols(found))
    hint = resume_hint(run, live=frame.live)
    return Content(
        heading=(*heading(run, frame.machine, live=frame.live, shown=shown), *named),
        bodies=bodies,
        warnings=machine_notes(run),
        closing=(closing(run, part=bool(frame.only)), *([hint] if hint else [])),
    )
