"""Two stored runs side by side, for people and programs, and why no verdict stands here."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from results.codec import encodable, outcome_fields, plain
from results.record import Failed, Skipped
from results.report.asides import Aside, state
from results.report.body import Body
from results.report.columns import Column, texts
from results.report.content import Content
from results.report.heading import moment
from results.report.identity import case_numbers
from results.report.ratios import times
from results.report.tables import Table
from results.report.units import MISSING, PERCENT, TIMES, aligned, duration, scaled
from results.report.wording import one_line, sentence, sentences

if TYPE_CHECKING:
    from results.diff import CaseDiff, Difference, RunDiff, Told
    from results.record import RunRecord

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""
WHY = (
    "No ratio here says that anything became slower or faster: these are stored times of different "
    "hours, and identical code moved −5.8…+7.9 % between sessions 7–35 minutes apart. To know, "
    "measure both sides live: dyno gate SUITE --baseline NAME, or dyno compare SUITE CASE_A CASE_B."
)
INTERVAL_RULE = (
    "Intervals are 95 % over fresh launches of one run; "
    "they do not carry over to another hour or machine."
)
_CSV = ("case", "a_ns", "a_low_ns", "a_high_ns", "b_ns", "b_low_ns", "b_high_ns", "ratio")
_SHOWN_HASH = 12


def content(diff: RunDiff, *, machines: tuple[str, str] = ("", "")) -> Content:
    """Return the report; `machines` are those of A and B, in one line each."""
    told = any(case.ratio for case in diff.cases)
    tables = (_table(diff.cases),) if diff.cases else ()
    return Content(
        heading=tuple(_heading(diff, machines)),
        bodies=(Body(tables=tables, notes=(), has_numbers=told, interval_rule=INTERVAL_RULE),),
        warnings=(),
        closing=(_counted(diff.cases), WHY),
    )


def json_text(diff: RunDiff) -> str:
    """Return the diff as one object; times in nanoseconds, `ratio` is B over A."""
    made = {
        "schema": SCHEMA,
        "a": plain(diff.a),
        "b": plain(diff.b),
        "differences": plain(diff.differences),
        "cases": [_case_data(case) for case in diff.cases],
        "caution": WHY,
    }
    return encodable(json.dumps(made, allow_nan=False, ensure_ascii=False, indent=2) + "\n")


def csv_lines(diff: RunDiff) -> Iterator[str]:
    """Yield a line a case, the head first; an empty cell is a value that there is not."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    for case in diff.cases:
        row = [*_times(case.a), *_times(case.b), case.ratio]
        writer.writerow([one_line(case.case_id), *row])
    yield from text.getvalue().splitlines(keepends=True)


def _heading(diff: RunDiff, machines: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield "A", _run(diff.a)
    yield "B", _run(diff.b)
    apart_s = diff.b.started_at - diff.a.started_at
    if apart_s:
        yield "apart", f"B began {duration(abs(apart_s) * 1e9)} {_order(apart_s)} A"
    if machines[0] == machines[1]:
        yield from (("machine", machine) for machine in machines[:1] if machine)
    else:
        yield from zip(("machine A", "machine B"), machines, strict=True)
    if diff.differences:
        yield "A → B", _listed(diff.differences)


def _order(apart_s: float) -> str:
    return "after" if apart_s > 0 else "before"


def _run(record: RunRecord) -> str:
    name = f" ({record.name})" if record.name and record.name != record.suite else ""
    return f"{record.id}{name}, {record.suite}, {moment(record.started_at)}"


def _table(cases: Sequence[CaseDiff]) -> Table:
    sides = [[case.a for case in cases], [case.b for case in cases]]
    found = [told.time_ns for side in sides for told in side if told]
    span = [value for value in found if value is not None]
    return Table(
        title="cases",
        subtitle="B over A",
        columns=(
            Column(name="#", cells=aligned([str(number + 1) for number in range(len(cases))])),
            texts("case", [case.case_id for case in cases], narrow=24),
            *_columns("A", sides[0], span),
            *_columns("B", sides[1], span),
            Column(name="ratio", cells=aligned([_ratio(case) for case in cases])),
        ),
        states=("",) * len(cases),
        asides=_asides(cases),
    )


def _columns(name: str, side: Sequence[Told | None], span: Sequence[float]) -> Iterator[Column]:
    """Yield p50 and its interval; a case without numbers says how it ended."""
    gaps = ["" if told is None else state(told.case) for told in side]
    values = [told.time_ns if told else None for told in side]
    found = scaled(values, TIMES, gaps=gaps, span=span)
    yield Column(name=f"p50 {name}", unit=found.unit, cells=found.cells)
    halves = [told.interval if told else None for told in side]
    widths = [100 * half.half_width if half else None for half in halves]
    gaps = [MISSING if told and told.summary else "" for told in side]
    percents = scaled(widths, PERCENT, gaps=gaps, digits=2)
    yield Column(name="±", unit=percents.unit, cells=percents.cells)


def _ratio(case: CaseDiff) -> str:
    return times(case.ratio) if case.ratio is not None else ""


def _asides(cases: Sequence[CaseDiff]) -> tuple[Aside, ...]:
    """Return a line for each distinct story, with the rows that have it."""
    groups: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        for story in _stories(case):
            groups.setdefault(story, []).append(place)
    return tuple(
        Aside(state="", head=case_numbers(places), text=text) for text, places in groups.items()
    )


def _stories(case: CaseDiff) -> Iterator[str]:
    if case.a is None or case.b is None:
        yield f"only in {'B' if case.a is None else 'A'}."
    for name, told in (("A", case.a), ("B", case.b)):
        match told.case.outcome if told else None:
            case Failed(kind=kind, message=message, hint=hint):
                yield f"failed in {name} ({kind}): {sentences(message, hint)}"
            case Skipped(reason=reason):
                yield f"skipped in {name}: {sentence(reason)}"
            case None if told:
                yield f"open in {name}: the run ended before the case did, or still goes on."
        if told and told.is_elapsed:
            yield f"in {name}: elapsed time per query, since several streams have no p50."
    if case.differences:
        yield f"A → B: {_listed(case.differences)}."


def _listed(differences: Sequence[Difference]) -> str:
    return ", ".join(f"{d.field} {_spell(d, d.a)} → {_spell(d, d.b)}" for d in differences)


def _spell(difference: Difference, value: object) -> str:
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    text = one_line(str(value))
    return text[:_SHOWN_HASH] if difference.field.endswith("sha256") else text


def _counted(cases: Sequence[CaseDiff]) -> str:
    only_a = sum(case.b is None for case in cases)
    only_b = sum(case.a is None for case in cases)
    both = len(cases) - only_a - only_b
    return f"{both} case{'' if both == 1 else 's'} in both, {only_a} only in A, {only_b} only in B"


def _times(told: Told | None) -> tuple[float | None, float | None, float | None]:
    if told is None:
        return None, None, None
    interval = told.interval
    bounds = (interval.low_ns, interval.high_ns) if interval else (None, None)
    return told.time_ns, *bounds


def _case_data(case: CaseDiff) -> dict[str, Any]:
    return {
        "id": case.case_id,
        "a": _told_data(case.a),
        "b": _told_data(case.b),
        "ratio": case.ratio,
        "differences": plain(case.differences),
    }


def _told_data(told: Told | None) -> dict[str, Any] | None:
    if told is None:
        return None
    value, low, high = _times(told)
    outcome = told.case.outcome
    return {
        "outcome": outcome_fields(outcome) if outcome else {"outcome": "open"},
        "quantity": "elapsed_per_query" if told.is_elapsed else "p50",
        "time_ns": value,
        "low_ns": low,
        "high_ns": high,
    }
