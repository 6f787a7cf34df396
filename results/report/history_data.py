"""The history of a baseline as CSV and as JSON: every number, none of them NaN."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

from results.codec import encodable, plain
from results.nights import reading

if TYPE_CHECKING:
    from results.history import Alarm, CaseHistory
    from results.nights import Nights
    from results.paired import Floats

SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""
Row = dict[str, Any]


def case_lines(nights: Nights, found: Sequence[CaseHistory]) -> Iterator[str]:
    """Yield the CSV of all cases line by line: what the last night told of each, and its alarm."""
    return _csv(_case_row(nights, place, history) for place, history in enumerate(found))


def night_lines(nights: Nights, place: int) -> Iterator[str]:
    """Yield the CSV of a case line by line: each night that was of it."""
    at = (night for night in range(len(nights.gates)) if nights.words[night, place])
    return _csv(_night_row(nights, night, place) for night in at)


def json_parts(nights: Nights, found: Sequence[CaseHistory]) -> Iterator[str]:
    """Yield the JSON in parts, one a case; the series of a case are in the order of `nights`."""
    of = nights.lineage
    head = {
        "schema": SCHEMA,
        "baseline": of.name,
        "suite": of.suite,
        "cut_off": of.cut_off,
        "baselines": plain(of.baselines),
        "nights": [_night(nights, night) for night in range(len(nights.gates))],
    }
    yield f'{_dumped(head)[:-1]}, "cases": ['
    for place, history in enumerate(found):
        yield f"{',' if place else ''}\n{_dumped(_case(nights, place, history))}"
    yield "\n]}\n"


def _night(nights: Nights, night: int) -> Row:
    return {
        "gate": nights.gates[night],
        "started_at": float(nights.started_at[night]),
        "baseline": nights.lineage.baselines[nights.generation[night]].id,
    }


def _case(nights: Nights, place: int, history: CaseHistory) -> Row:
    return {
        **plain(history),
        "steps": [{**plain(step), "change": step.change} for step in history.steps],
        "alarm": history.alarm and plain(history.alarm),
        "word": nights.words[:, place].tolist(),
        "log_ratio": _numbers(nights.log_ratio[:, place]),
        "se": _numbers(nights.se[:, place]),
        "df": _numbers(nights.df[:, place]),
    }


def _case_row(nights: Nights, place: int, history: CaseHistory) -> Row:
    tonight = reading(nights, -1, place)
    last = history.steps[-1] if history.steps else None
    return {
        "case": history.case_id,
        "nights": history.nights,
        "word": tonight.word,
        "ratio": tonight.ratio,
        "ratio_low": tonight.low,
        "ratio_high": tonight.high,
        "level": None if history.log_level is None else math.exp(history.log_level),
        **_alarm(history.alarm),
        "alarms": len(history.alarms),
        "steps": len(history.steps),
        "last_step_at": last and last.at,
        "last_step_change": last and last.change,
    }


def _alarm(alarm: Alarm | None) -> Row:
    return {
        "alarm": alarm and alarm.word,
        "alarm_since": alarm and alarm.since,
        "alarm_began": alarm and alarm.began,
        "alarm_change": alarm and math.expm1(alarm.log_change),
    }


def _night_row(nights: Nights, night: int, place: int) -> Row:
    told = reading(nights, night, place)
    log_ratio, se, df = (
        values[night, place] for values in (nights.log_ratio, nights.se, nights.df)
    )
    return {
        **_night(nights, night),
        "word": told.word,
        "ratio": told.ratio,
        "ratio_low": told.low,
        "ratio_high": told.high,
        "log_ratio": _number(log_ratio),
        "se": _number(se),
        "df": _number(df),
    }


def _csv(rows: Iterable[Row]) -> Iterator[str]:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        writer.writerow([encodable(v) if isinstance(v, str) else v for v in row.values()])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _numbers(values: Floats) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _dumped(value: object) -> str:
    return encodable(json.dumps(value, allow_nan=False, ensure_ascii=False))
