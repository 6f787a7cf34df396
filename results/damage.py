"""Rows that cannot be read, told in one line with the run and the case they are of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from results.database import DamagedError
from results.rows import PrunedError

Row = Mapping[str, Any]
T = TypeVar("T")

UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    struct.error,
    zlib.error,
)
"""What a damaged row raises where it is read."""
REMEDY = "List all that is damaged with 'dyno store verify', and measure again."


def reading(path: Path, where: str, row: Row, read: Callable[[Row], T]) -> T:
    """Return what `read` makes of the row. Raises DamagedError, which names `where` the row is."""
    try:
        return read(row)
    except PrunedError:
        raise
    except UNREADABLE as error:
        raise DamagedError(f"{path}: {where}: {told(error)}. {REMEDY}") from error


def told(error: Exception) -> str:
    """Return what was expected of a row and what was found, in one line without an end."""
    said = " ".join(str(error).split())
    if said.startswith("expected "):
        return said
    return f"expected a row that can be read, got {type(error).__name__}: {said}"


def check_text(row: Row) -> None:
    """Raise ValueError for a text that is not UTF-8, as `lenient` left it."""
    for name, value in row.items():
        if isinstance(value, str) and not value.isascii() and not _is_whole(value):
            raise ValueError(f"expected text in {name!r}, got bytes that are not UTF-8")


def lenient(data: bytes) -> str:
    """Return a text of the database; bytes that are not UTF-8 stay, as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def of_row(row: Row) -> str:
    """Return which run and case, gate or baseline a row is of, as far as it says so."""
    for kind, mark in (("gate", "kind"), ("baseline", "pinned_at")):
        whose = row.get("id") if mark in row else row.get(f"{kind}_id")
        if whose is not None:
            return (
                f"{kind} {whose}, case {row['case_id']}" if "case_id" in row else f"{kind} {whose}"
            )
    run_id = row.get("run_id", row.get("id"))
    return f"run {run_id}, case {row['position']}" if "position" in row else f"run {run_id}"


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
