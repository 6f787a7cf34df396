"""The nights of a baseline's series as arrays: every gate against it, and against those after it.

A night is a gate that came to its end, in the order of the baselines and of their starts. What was
measured against a later baseline is put on the scale of the first one by the splices that a rebase
measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from results.compare import critical
from results.damage import UNREADABLE, told
from results.database import DamagedError, StoreError
from results.lineage import lineage
from results.night_rows import Verdicts, gates, scale, verdicts
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from results.lineage import Lineage
    from results.paired import Floats, Integers
    from results.reader import Reader

_MOST_EXPONENT = 700.0
"""The exponential of some more is no number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nights:
    """A series: n nights × c cases; what there is not is NaN, and "" among `words`.

    `log_ratio` (n, c) is over the first baseline of the case's `segment`, `se` (n, c) its standard
    error with that of the splices; `own_se` is of the night alone, against the baseline of its
    `generation` (n,). `df` are degrees of freedom. `segment` (generations, c) is the generation in
    which a case's scale begins: its splices reach back to there, -1 where it is not pinned.
    `cases` are those of the last night in the suite's order, then those gone before it.
    """

    lineage: Lineage
    gates: tuple[str, ...]
    started_at: Floats
    generation: Integers
    cases: tuple[str, ...]
    log_ratio: Floats
    se: Floats
    own_se: Floats
    df: Floats
    words: NDArray[np.str_]
    segment: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A case on a night: the word of its verdict, and the ratio with its 95 % interval, or None."""

    word: str
    ratio: float | None
    low: float | None
    high: float | None


def reading(nights: Nights, night: int, place: int) -> Reading:
    """Return what the night told of the case; no word where it was not of that night."""
    word, value = str(nights.words[night, place]), float(nights.log_ratio[night, place])
    half = critical(float(nights.df[night, place])) * float(nights.se[night, place])
    if not abs(value) + half < _MOST_EXPONENT:
        return Reading(word=word, ratio=None, low=None, high=None)
    return Reading(
        word=word, ratio=math.exp(value), low=math.exp(value - half), high=math.exp(value + half)
    )


def nights(
    store: Reader, *, name: str | None = None, suite: str | None = None, case: str | None = None
) -> Nights:
    """Return the series of a baseline, of one case or of all.

    A name and a suite may be left out where there is one only; the id of the last baseline may
    stand for the name. Raises StoreError where there is no such series, night or case.
    """
    of = lineage(store, name=name, suite=suite)
    where = f"{store.folder}: baseline {of.name!r} of suite {of.suite!r}"
    try:
        found = _read(store, of, case)
    except UNREADABLE as error:
        remedy = "List all that is damaged with 'dyno store verify'."
        raise DamagedError(f"{where}: {told(error)}. {remedy}") from error
    if found is not None:
        return found
    known = [] if case is None else nights(store, name=of.baselines[-1].id, suite=of.suite).cases
    if not known:
        raise StoreError(
            f"{where}: expected a night, got none that came to its end. "
            f"Measure one: dyno nightly {of.suite} --baseline {of.name}"
        )
    raise StoreError(
        f"{where}: expected the id of a case, got {case!r}.{did_you_mean(case, known)} "
        "List them with 'dyno history'."
    )


def _read(store: Reader, of: Lineage, case: str | None) -> Nights | None:
    """Return the nights, None where there is no verdict."""
    with store.connection() as connection:
        ended = gates(connection, of)
        found = verdicts(connection, [gate.id for gate in ended], case)
        if found is None:
            return None
        offset, variance, segment = scale(connection, of, found.cases)
    generation_of = {baseline.id: number for number, baseline in enumerate(of.baselines)}
    generation = np.array([generation_of[gate.baseline_id] for gate in ended])
    own_se = _pivoted(found, found.se, len(ended))
    words = np.full(own_se.shape, "", found.word.dtype)
    words[found.night, found.place] = found.word
    return Nights(
        lineage=of,
        gates=tuple(gate.id for gate in ended),
        started_at=np.array([gate.started_at for gate in ended], np.float64),
        generation=generation,
        cases=found.cases,
        log_ratio=_pivoted(found, found.log_ratio, len(ended)) + offset[generation],
        se=np.sqrt(own_se**2 + variance[generation]),
        own_se=own_se,
        df=_pivoted(found, found.df, len(ended)),
        words=words,
        segment=segment,
    )


def _pivoted(found: Verdicts, values: Floats, count: int) -> Floats:
    made = np.full((count, len(found.cases)), np.nan)
    made[found.night, found.place] = values
    return made
