"""The nights of a baseline's series as arrays: every gate against it, and against those after it.

A night is a gate that ended, in the order of their starts. What was measured against a later
baseline is put on the scale of the first one by the splices that `dyno baseline rebase` measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit
from sqlalchemy import ColumnElement, Float, Select, case, func, select

from results import schema
from results.codec import encodable
from results.damage import UNREADABLE, told
from results.database import DamagedError, StoreError
from results.lineage import lineage
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from results.lineage import Generation, Lineage
    from results.paired import Floats, Integers
    from results.reader import Reader

KINDS = ("gate", "nightly")
SMALLEST_DF = 7.0
"""Of a verdict that does not tell its own: five pairs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nights:
    """A series: n nights × c cases; what there is not is NaN, and "" among `words`.

    `log_ratio` (n, c) is over the first baseline of the case's `segment`, `se` (n, c) its standard
    error with that of the splices; `own_se` is of the night alone, against the baseline of its
    `generation` (n,). `df` are degrees of freedom. `segment` (generations, c) is the generation in
    which a case's scale begins: its splices reach back to there, -1 where it is not pinned.
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
    if not math.isfinite(value):
        return Reading(word=word, ratio=None, low=None, high=None)
    half = float(stdtrit(nights.df[night, place], 0.975) * nights.se[night, place])
    return Reading(
        word=word, ratio=math.exp(value), low=math.exp(value - half), high=math.exp(value + half)
    )


def nights(
    store: Reader, *, name: str | None = None, suite: str | None = None, case: str | None = None
) -> Nights:
    """Return the series of a baseline, of one case or of all.

    A name and a suite may be left out where there is one only; an id of the last baseline may stand
    for the name. Raises StoreError where there is no such series, night or case.
    """
    found = lineage(store, name=name, suite=suite)
    chain = found.baselines
    where = f"{store.folder}: baseline {found.name!r} of suite {found.suite!r}"
    with store.connection() as connection:
        gates = connection.execute(_gates([found.id for found in chain])).all()
        known = _verdicts(connection, chain, case) if gates else []
        splices = connection.execute(_splices(chain, case)).all()
    if not gates:
        raise StoreError(
            f"{where}: expected nights, got none that came to its end. "
            f"Measure one: dyno nightly {found.suite} --baseline {found.name}"
        )
    if case is not None and not known:
        everything = nights(store, name=chain[-1].id, suite=found.suite).cases
        raise StoreError(
            f"{where}: expected the id of a case, got {case!r}.{did_you_mean(case, everything)} "
            "List them with 'dyno history'."
        )
    try:
        return _assembled(found, gates, known, splices)
    except UNREADABLE as error:
        raise DamagedError(
            f"{where}: {told(error)}. List all that is damaged with 'dyno store verify'."
        ) from error


def _gates(baselines: Sequence[str]) -> Select[Any]:
    gate, end = schema.gate, schema.gate_end
    return (
        select(gate.c.id, gate.c.started_at, gate.c.baseline_id)
        .join(end)
        .where(gate.c.baseline_id.in_(baselines), gate.c.kind.in_(KINDS), end.c.state == "done")
        .order_by(gate.c.started_at, gate.c.id)
    )


def _verdicts(
    connection: Connection, chain: Sequence[Generation], case_id: str | None
) -> Sequence[Any]:
    """Return gate, case, position, word, log ratio, se and df of each verdict."""
    table = schema.verdict
    ended = _gates([found.id for found in chain]).order_by(None).with_only_columns(schema.gate.c.id)
    columns = (table.c.gate_id, table.c.case_id, table.c.position, table.c.word, *_numbers())
    query = select(*columns).where(table.c.gate_id.in_(ended))
    if case_id is not None:
        query = query.where(table.c.case_id == encodable(case_id))
    return connection.execute(query).fetchall()


def _numbers() -> tuple[ColumnElement[Any], ...]:
    table = schema.verdict
    df = func.json_extract(table.c.detail, "$.estimate.df", type_=Float)
    return table.c.log_ratio, table.c.se, case((table.c.se.is_not(None), df))


def _splices(chain: Sequence[Generation], case_id: str | None) -> Select[Any]:
    """Select baseline, case, and the splice's log ratio and se of each pinned case."""
    table = schema.pinned
    splice = [
        func.json_extract(table.c.pinned, f"$.splice.{field}", type_=Float).label(field)
        for field in ("log_ratio", "se")
    ]
    query = select(table.c.baseline_id, table.c.case_id, *splice)
    query = query.where(table.c.baseline_id.in_([found.id for found in chain]))
    return query if case_id is None else query.where(table.c.case_id == encodable(case_id))


def _assembled(
    of: Lineage, gates: Sequence[Any], verdicts: Sequence[Any], splices: Sequence[Any]
) -> Nights:
    night_of = {row.id: place for place, row in enumerate(gates)}
    generation_of = {found.id: place for place, found in enumerate(of.baselines)}
    columns = [*zip(*verdicts, strict=True)] or [()] * 7
    at = np.array([night_of[gate] for gate in columns[0]], np.intp)
    cases = _ordered(columns[1], columns[2], at)
    place_of = {case_id: place for place, case_id in enumerate(cases)}
    place = np.array([place_of[case_id] for case_id in columns[1]], np.intp)
    shape = (len(gates), len(cases))
    words = np.full(shape, "", "<U12")
    words[at, place] = columns[3]
    log_ratio, own_se, df = (_pivoted(values, at, place, shape) for values in columns[4:])
    generation = np.array([generation_of[row.baseline_id] for row in gates], np.int64)
    offset, variance, segment = _scale(generation_of, place_of, splices)
    return Nights(
        lineage=of,
        gates=tuple(night_of),
        started_at=np.array([row.started_at for row in gates], np.float64),
        generation=generation,
        cases=cases,
        log_ratio=log_ratio + offset[generation],
        se=np.sqrt(own_se**2 + variance[generation]),
        own_se=own_se,
        df=np.where(np.isnan(df) & ~np.isnan(own_se), SMALLEST_DF, df),
        words=words,
        segment=segment,
    )


def _ordered(
    case_ids: Sequence[str], positions: Sequence[int], at: NDArray[np.intp]
) -> tuple[str, ...]:
    """Return the cases of the last night in the suite's order, then those gone, the last first."""
    last: dict[str, tuple[int, int]] = {}
    for case_id, position, night in zip(case_ids, positions, at.tolist(), strict=True):
        if last.get(case_id, (1, 0))[0] >= -night:
            last[case_id] = (-night, position)
    return tuple(sorted(last, key=lambda case_id: (last[case_id], case_id)))


def _pivoted(
    values: Sequence[float | None],
    at: NDArray[np.intp],
    of: NDArray[np.intp],
    shape: tuple[int, int],
) -> Floats:
    found = np.full(shape, np.nan)
    found[at, of] = np.array(values, np.float64)
    return found


def _scale(
    generation_of: Mapping[str, int], place_of: Mapping[str, int], rows: Sequence[Any]
) -> tuple[Floats, Floats, Integers]:
    """Return the sum of the splices (generations, c), its variance, and where each sum begins."""
    shape = (len(generation_of), len(place_of))
    splice, variance, segment = np.full(shape, np.nan), np.zeros(shape), np.full(shape, -1)
    for baseline_id, case_id, log_ratio, se in rows:
        if case_id in place_of:
            generation, place = generation_of[baseline_id], place_of[case_id]
            segment[generation, place] = generation
            if generation and log_ratio is not None:
                splice[generation, place], variance[generation, place] = log_ratio, se**2
    offset = np.zeros(shape)
    for number in range(1, shape[0]):
        goes_on = np.isfinite(splice[number]) & (segment[number - 1] >= 0)
        offset[number] = np.where(goes_on, offset[number - 1] + splice[number], 0.0)
        variance[number] = np.where(goes_on, variance[number - 1] + variance[number], 0.0)
        segment[number] = np.where(goes_on, segment[number - 1], segment[number])
    return offset, variance, segment
