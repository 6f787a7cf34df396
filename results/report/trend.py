"""The history of one case for a terminal, night by night, with what changed when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from results.nights import reading
from results.report.columns import Column, texts
from results.report.history import (
    SHOWN_NIGHTS,
    alarm_words,
    closing,
    day,
    framed,
    interval,
    noted,
    scales,
    spark,
)
from results.report.ratios import times
from results.report.tables import Table
from results.report.units import MISSING, aligned

if TYPE_CHECKING:
    from results.history import CaseHistory, Step
    from results.nights import Nights, Reading
    from results.report.content import Content


def trend(nights: Nights, place: int, history: CaseHistory) -> Content:
    """Return the nights of a case that there are, with what changed when."""
    at = [night for night in range(len(nights.gates)) if nights.words[night, place]]
    events = _events(nights, place, history)
    table = _nights(nights, place, at, [events.get(night, "") for night in at])
    words = [str(nights.words[-1, place])]
    level = "none yet" if history.log_level is None else times(math.exp(history.log_level))
    heading = (
        ("case", history.case_id),
        ("level", level),
        ("alarms", "; ".join(map(alarm_words, history.alarms)) or "none"),
        ("steps", "; ".join(map(_step_words, history.steps)) or "none"),
        (f"last {SHOWN_NIGHTS}", spark(nights, place, history)),
    )
    return framed(nights, table, heading, tuple(scales(nights)), closing([history], words))


def _nights(nights: Nights, place: int, at: Sequence[int], events: Sequence[str]) -> Table:
    readings = [reading(nights, night, place) for night in at]
    moments = nights.started_at[list(at)].tolist()
    return Table(
        title="nights",
        columns=(
            texts("start (UTC)", [_moment(moment) for moment in moments]),
            texts("verdict", [one.word for one in readings]),
            Column(name="ratio", cells=aligned([_times_of(one) for one in readings])),
            Column(name="95 %", cells=aligned([interval(one) for one in readings]), drop=1),
            *noted("change", events),
        ),
        states=("",) * len(at),
    )


def _events(nights: Nights, place: int, history: CaseHistory) -> dict[int, str]:
    """Return what happened to a case on its nights, by night."""
    night_of = {moment: night for night, moment in enumerate(nights.started_at.tolist())}
    found: list[tuple[int, str]] = []
    found += [(night, "rebased") for night in _first_nights(nights, place)]
    found += [(night_of[step.at], f"step {_size(step)}") for step in history.steps]
    for alarm in history.alarms:
        found.append((night_of[alarm.since], f"{alarm.word} alarm"))
        if alarm.until is not None:
            found.append((night_of[alarm.until], "alarm over"))
    told: dict[int, str] = {}
    for night, words in found:
        told[night] = f"{told[night]}, {words}" if night in told else words
    return told


def _first_nights(nights: Nights, place: int) -> list[int]:
    """Return the first night of the case against each baseline but its first one."""
    at = np.flatnonzero(nights.words[:, place] != "")
    generation = nights.generation[at]
    return [int(night) for night in at[1:][np.diff(generation) != 0]]


def _step_words(step: Step) -> str:
    return f"{day(step.at)} {_size(step)}"


def _size(step: Step) -> str:
    levels = f"{times(math.exp(step.log_before))} → {times(math.exp(step.log_after))}"
    return f"{levels} ({100 * step.change:+.1f} %)"


def _times_of(one: Reading) -> str:
    return MISSING if one.ratio is None else times(one.ratio)


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M")
