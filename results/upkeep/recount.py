"""Whether a stored summary says what the raw timings give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from results import rows, schema
from results.rules import STATISTICS_VERSION
from results.telemetry_rows import read_telemetry

if TYPE_CHECKING:
    from results.record import LaunchRecord
    from results.telemetry import TelemetryRecord

_TOLERANCE = 1e-9
"""Relative: another NumPy may add in another order."""
_APART = ("queries", "remarks")
"""Queries are counted by `plausible.py`; remarks are no result, and worded anew by any dyno."""


def recount(
    connection: Connection, run_id: str, position: int, launches: Sequence[LaunchRecord]
) -> str | None:
    """Return how the case's summary of the present rules differs from its launches, or None.

    Costs some 10 ms for 30 000 queries. Raises what a row that cannot be read does.
    """
    from results.aggregate import summarise

    table, of_case = schema.summary, {"run_id": run_id, "position": position}
    of_all = select(table).filter_by(
        **of_case, statistics_version=STATISTICS_VERSION, launches=len(launches)
    )
    stored = connection.execute(of_all).mappings().first()
    if stored is None:
        return None
    case = connection.execute(select(schema.case).filter_by(**of_case)).mappings().one()
    made = summarise(rows.read_case(dict(case)), launches, _telemetry(connection, of_case))
    found = _differences(asdict(made), asdict(rows.read_summary_row(dict(stored))))
    return next(found, None)


def _telemetry(connection: Connection, of_case: Mapping[str, Any]) -> TelemetryRecord | None:
    table = schema.telemetry
    query = select(table).filter_by(**of_case).order_by(table.c.attempt.desc())
    found = connection.execute(query).mappings().first()
    return None if found is None else read_telemetry(dict(found))


def _differences(made: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    ours, theirs = dict(_leaves(made)), dict(_leaves(stored))
    for name in {**ours, **theirs}:
        value, found = ours.get(name), theirs.get(name)
        if not _alike(value, found):
            yield f"expected {name} of {value!r} as its raw timings give, got {found!r}"


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        elif name not in _APART:
            yield f"{prefix}{name}", value


def _alike(made: object, stored: object) -> bool:
    if isinstance(made, float) and isinstance(stored, int | float):
        return math.isclose(made, stored, rel_tol=_TOLERANCE)
    return made == stored
