"""A gate's verdicts for a terminal: a row a case, what asks for attention first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.report.asides import Aside
from results.report.body import Body
from results.report.columns import Column, texts
from results.report.content import Content
from results.report.identity import case_numbers
from results.report.ratios import bounds, times
from results.report.tables import Table
from results.report.terminal import Report
from results.report.units import MISSING, TIMES, aligned, duration, scaled
from results.report.verdict_heading import heading
from results.report.verdict_words import ORDER, STYLES, ordered, remark, stories, tally, word
from results.verdict import TailRatio, Verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

    from results.gate_record import GateResult
    from results.verdict import CaseVerdict

INTERVAL_RULE = (
    "Ratios are candidate over baseline, ×1.030 is 3 % slower, with 95 % intervals over fresh "
    "pairs. Times are of this hour and not to be held against another's."
)
_WORD = re.compile(rf"(?:#[\d#–, ]+(?:and \d+ more )?)?({'|'.join(ORDER)})\b")
_CASE_WIDTH = 24
_DROPS = {"p95": 1, "p99": 2, "times": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFrame:
    """What stands around the verdicts of a gate, each of it in one line.

    `conclusion` is the exit code and why, `alarms` are of the history.
    """

    machine: str = ""
    conclusion: str = ""
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """A renderable for `Console.print`; colours stand on words only."""

    content: Content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the width there is."""
        del console
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield the lines, tables cut to the width."""
        for line in Report(content=self.content).lines(width):
            found = _WORD.match(line.plain)
            if found:
                line.stylize(STYLES.get(found[1], ""), *found.span(1))
            yield line


def content(result: GateResult, frame: GateFrame, *, most: int | None = None) -> Content:
    """Return all that a gate's report says, for a terminal or markdown.

    Of more than `most` rows, those that ask for the most attention stay.
    """
    rows = ordered(result.cases)[:most]
    left = len(result.cases) - len(rows)
    more = f"{left} more row{' is' if left == 1 else 's are'} left out here." if left else ""
    told = any(isinstance(case.outcome, Verdict) and case.outcome.estimate for case in rows)
    body = Body(
        tables=(table(rows),) if rows else (),
        notes=(),
        has_numbers=told,
        interval_rule=INTERVAL_RULE,
    )
    return Content(
        heading=heading(result, frame.machine),
        bodies=(body,),
        warnings=frame.alarms,
        closing=tuple(filter(None, (_closing(result), more, frame.conclusion))),
    )


def table(rows: Sequence[CaseVerdict], title: str = "verdicts") -> Table:
    """Return the table of these cases in the order given, numbered from 1."""
    found = [case.outcome if isinstance(case.outcome, Verdict) else None for case in rows]
    remarks = [remark(case.outcome) for case in rows]
    return Table(
        title=title,
        columns=(
            texts("verdict", [word(case) for case in rows]),
            Column(name="#", cells=aligned([str(number + 1) for number in range(len(rows))])),
            texts("case", [case.case_id for case in rows], narrow=_CASE_WIDTH),
            *_ratios(found),
            *_tails(found),
            *_times(found),
            *((texts("remark", remarks, narrow=9),) if any(remarks) else ()),
        ),
        states=("",) * len(rows),
        asides=_asides(rows),
    )


def _ratios(found: Sequence[Verdict | None]) -> Iterator[Column]:
    """Yield ratio, interval and pairs; empty for cases that have none."""
    estimates = [verdict.estimate if verdict else None for verdict in found]
    if not any(estimates):
        return
    told = [
        (times(e.ratio), bounds(e.low, e.high), str(e.pairs)) if e else ("",) * 3 for e in estimates
    ]
    ratios, intervals, pairs = zip(*told, strict=True)
    yield Column(name="ratio", cells=aligned(ratios))
    yield Column(name="95 % interval", cells=_right(intervals))
    yield Column(name="pairs", cells=aligned(pairs))


def _tails(found: Sequence[Verdict | None]) -> Iterator[Column]:
    for name in ("p95", "p99"):
        tails = [getattr(verdict, name) if verdict else None for verdict in found]
        if any(isinstance(tail, TailRatio) for tail in tails):
            cells = [
                times(tail.ratio) if isinstance(tail, TailRatio) else _gap(verdict)
                for tail, verdict in zip(tails, found, strict=True)
            ]
            yield Column(name=name, cells=aligned(cells), drop=_DROPS[name])


def _times(found: Sequence[Verdict | None]) -> Iterator[Column]:
    """Yield the times of both sides in one column and one unit, empty where one is not known."""
    spent = [(v.baseline_ns, v.candidate_ns) if v else (None, None) for v in found]
    known = [(None, None) if None in pair else pair for pair in spent]
    span = [value for pair in known for value in pair if value is not None]
    if not span:
        return
    gaps = [""] * len(known)
    baseline, candidate = (
        scaled(side, TIMES, gaps=gaps, span=span, digits=4) for side in zip(*known, strict=True)
    )
    cells = [
        f"{a} → {b}" if a.strip() else " " * len(f"{a} → {b}")
        for a, b in zip(baseline.cells, candidate.cells, strict=True)
    ]
    yield Column(
        name="baseline → candidate", unit=baseline.unit, cells=tuple(cells), drop=_DROPS["times"]
    )


def _asides(rows: Sequence[CaseVerdict]) -> tuple[Aside, ...]:
    """Return a line for each distinct story, with the rows that have it."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, case in enumerate(rows):
        for story in stories(case):
            groups.setdefault(story, []).append(place)
    return tuple(
        Aside(state="", head=f"{case_numbers(places)} {how}:", text=why)
        for (how, why), places in groups.items()
    )


def _closing(result: GateResult) -> str:
    end = result.end
    if end is None:
        return tally(result.cases)
    took = duration((end.ended_at - result.record.started_at) * 1e9)
    return f"{tally(result.cases)} · took {took}"


def _gap(verdict: Verdict | None) -> str:
    return MISSING if verdict is not None and verdict.estimate is not None else ""


def _right(cells: Sequence[str]) -> tuple[str, ...]:
    width = max(map(len, cells))
    return tuple(cell.rjust(width) for cell in cells)
