"""Whether the values of a stored row are of their columns' types: SQLite itself keeps anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Float, Integer, LargeBinary, Table, Text

LATEST_S = 253_402_300_799.0
"""The last second of the year 9999; no time and no span is beyond it."""
_KINDS: tuple[tuple[Any, tuple[type, ...], str], ...] = (
    (Integer, (int,), "a whole number"),
    (Float, (float, int), "a number"),
    (LargeBinary, (bytes,), "bytes"),
    (Text, (str,), "text"),
)


def check_columns(table: Table, row: Mapping[str, Any]) -> None:
    """Raise ValueError for a value that its column cannot have; other columns are passed over."""
    for column in table.c:
        if column.name not in row:
            continue
        value = row[column.name]
        if value is None and column.nullable:
            continue
        problem = _problem(column.type, value)
        if problem is not None:
            raise ValueError(f"expected {problem} in {column.name!r}, got {value!r}")


def _problem(kind: object, value: object) -> str | None:
    """Return what the column takes instead of the value, or None where the value is right."""
    types, word = next((types, word) for sql, types, word in _KINDS if isinstance(kind, sql))
    if not isinstance(value, types):
        return word
    if isinstance(kind, Float) and isinstance(value, float | int) and not 0 <= value <= LATEST_S:
        return "seconds up to the year 9999"
    return None
