"""The rows that the nights of a series are made of, read in bulk: 365 nights × 1000 cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Float, func, select

from results import schema
from results.codec import encodable
from results.columns import check_columns
from results.database import driver_connection

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from results.lineage import Lineage
    from results.paired import Floats, Integers

_KINDS = ("gate", "nightly")
"""A rebase is no night."""
_CHUNK = 20_000
_MOST_LOG = 100.0
"""Of a log ratio and its standard error; the exponentials of some more are no numbers."""
_VERDICTS = """
    SELECT gate_id, case_id, word, position, log_ratio, se,
        CASE WHEN se IS NOT NULL THEN json_extract(detail, '$.estimate.df') END
    FROM verdict
    WHERE gate_id IN (SELECT value FROM json_each(:gates)) AND (:case IS NULL OR case_id = :case)
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """One entry a verdict (v,): its night and the place of its case, its word, its numbers.

    `cases` are those with a verdict: of the last night in the suite's order, then those gone
    before it. `log_ratio`, `se` and `df` are NaN where there is none.
    """

    cases: tuple[str, ...]
    night: Integers
    place: Integers
    word: NDArray[np.str_]
    log_ratio: Floats
    se: Floats
    df: Floats


def gates(connection: Connection, lineage: Lineage) -> Sequence[Any]:
    """Return id, start and baseline of each gate of the series that came to its end, in order.

    Those against one baseline come before those against the next, whatever the clock said: a look
    at a baseline that was replaced since ends no alarm. Raises ValueError for one that is damaged.
    """
    gate, end = schema.gate, schema.gate_end
    baselines = [found.id for found in lineage.baselines]
    query = (
        select(gate.c.id, gate.c.started_at, gate.c.baseline_id)
        .join(end)
        .where(gate.c.baseline_id.in_(baselines), gate.c.kind.in_(_KINDS), end.c.state == "done")
        .order_by(gate.c.started_at, gate.c.id)
    )
    found = connection.execute(query).all()
    for row in found:
        check_columns(gate, dict(row._mapping))
    return sorted(found, key=lambda row: baselines.index(row.baseline_id))


def verdicts(connection: Connection, gates: Sequence[str], case_id: str | None) -> Verdicts | None:
    """Return the verdicts of these gates, of one case or of all; None where there are none."""
    night_of = {gate_id: night for night, gate_id in enumerate(gates)}
    place_of: dict[str, int] = {}
    night, place, word, numbers = [], [], [], []
    for rows in _chunks(connection, gates, case_id):
        of_gate, of_case, words, *values = zip(*rows, strict=True)
        night.append(np.array([night_of[gate_id] for gate_id in of_gate]))
        place.append(np.array([place_of.setdefault(one, len(place_of)) for one in of_case]))
        word.append(np.array(words, "<U12"))
        numbers.append(np.array(values, np.float64))
    if not place_of:
        return None
    at, of = np.concatenate(night), np.concatenate(place)
    position, log_ratio, se, df = np.concatenate(numbers, axis=1)
    _check(tuple(place_of), log_ratio, se, df)
    order = _order(at, of, position)
    known = tuple(place_of)
    return Verdicts(
        cases=tuple(known[one] for one in order.tolist()),
        night=at,
        place=np.argsort(order)[of],
        word=np.concatenate(word),
        log_ratio=log_ratio,
        se=se,
        df=df,
    )


def scale(
    connection: Connection, lineage: Lineage, cases: Sequence[str]
) -> tuple[Floats, Floats, Integers]:
    """Return the sum of the splices (generations, c), its variance, and where each sum begins.

    A sum begins with the first baseline, and anew where a case has no splice; where it is not
    pinned, it begins at -1.
    """
    generation_of = {found.id: number for number, found in enumerate(lineage.baselines)}
    place_of = {case_id: place for place, case_id in enumerate(cases)}
    shape = (len(generation_of), len(cases))
    splice, variance, segment = np.full(shape, np.nan), np.zeros(shape), np.full(shape, -1)
    for baseline_id, case_id, log_ratio, se in _splices(connection, list(generation_of)):
        if case_id in place_of:
            at = generation_of[baseline_id], place_of[case_id]
            segment[at] = at[0]
            if at[0] and log_ratio is not None:
                splice[at], variance[at] = log_ratio, se**2
    offset = np.zeros(shape)
    for number in range(1, shape[0]):
        goes_on = np.isfinite(splice[number]) & (segment[number - 1] >= 0)
        offset[number] = np.where(goes_on, offset[number - 1] + splice[number], 0.0)
        variance[number] = np.where(goes_on, variance[number - 1] + variance[number], 0.0)
        segment[number] = np.where(goes_on, segment[number - 1], segment[number])
    return offset, variance, segment


def _chunks(
    connection: Connection, gates: Sequence[str], case_id: str | None
) -> Iterator[Sequence[Any]]:
    """Yield the rows some at a time; rows of SQLAlchemy's own would take half as long again."""
    case = None if case_id is None else encodable(case_id)
    cursor = driver_connection(connection).execute(
        _VERDICTS, {"gates": json.dumps(gates), "case": case}
    )
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _check(cases: Sequence[Any], log_ratio: Floats, se: Floats, df: Floats) -> None:
    """Raise ValueError for what no gate stores."""
    for case_id in cases:
        if not isinstance(case_id, str):
            raise ValueError(  # noqa: TRY004 - a damaged file, not a wrong call
                f"expected the id of a case, got {case_id!r}"
            )
    has = ~np.isnan(log_ratio)
    whole = has == ~np.isnan(se)
    for name, values, possible in (
        ("log_ratio", log_ratio, ~has | (np.abs(log_ratio) <= _MOST_LOG)),
        ("se", se, whole & (~has | ((se >= 0) & (se <= _MOST_LOG)))),
        ("df", df, ~has | (df > 0)),
    ):
        if not possible.all():
            found = float(values[~possible][0])
            raise ValueError(f"expected a number that a gate can find in {name!r}, got {found!r}")


def _order(at: Integers, of: Integers, position: Floats) -> Integers:
    """Return the cases by the last night of each, the latest first, and the position there."""
    by_case = np.lexsort((at, of))
    last = by_case[np.flatnonzero(np.diff(of[by_case], append=-1))]
    return np.lexsort((position[last], -at[last]))


def _splices(connection: Connection, baselines: Sequence[str]) -> Sequence[Any]:
    table = schema.pinned
    splice = [
        func.json_extract(table.c.pinned, f"$.splice.{field}", type_=Float)
        for field in ("log_ratio", "se")
    ]
    query = select(table.c.baseline_id, table.c.case_id, *splice)
    return connection.execute(query.where(table.c.baseline_id.in_(baselines))).all()
