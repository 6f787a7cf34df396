"""Whether the values of a stored row are of their columns' types: SQLite itself keeps anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from math import isfinite
from typing import Any

from sqlalchemy import Float, Integer, LargeBinary, Table, Text

LATEST_S = 253_402_300_799.0
"""The last second of the year 9999; no time and no span is beyond it."""
_NUMBER = "a number"
_Types = tuple[type, ...]
_KINDS: tuple[tuple[Any, _Types, str], ...] = (
    (Integer, (int,), "a whole number"),
    (Float, (float, int), _NUMBER),
    (LargeBinary, (bytes,), "bytes"),
    (Text, (str,), "text"),
)


def check_columns(table: Table, row: Mapping[str, Any]) -> None:
    """Raise ValueError for a value that its column cannot have; other columns are passed over."""
    for name, types, nullable, word in _columns(table):
        if name not in row:
            continue
        value = row[name]
        if value is None and nullable:
            continue
        if type(value) not in types:
            raise ValueError(f"expected {word} in {name!r}, got {value!r}")
        if word == _NUMBER and not 0 <= value <= LATEST_S:
            raise ValueError(f"expected seconds up to the year 9999 in {name!r}, got {value!r}")


def check_numbers(fields: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raise ValueError for a field of these that is neither a finite number nor missing."""
    for name in names:
        value = fields.get(name)
        if value is not None and not (isinstance(value, int | float) and isfinite(value)):
            raise ValueError(f"expected a number in {name!r}, got {value!r}")


@cache
def _columns(table: Table) -> tuple[tuple[str, _Types, bool, str], ...]:
    """Return of each column its name, the types it takes, whether it takes NULL, and a word."""
    return tuple(
        (column.name, types, bool(column.nullable), word)
        for column in table.c
        for sql, types, word in _KINDS
        if isinstance(column.type, sql)
    )
