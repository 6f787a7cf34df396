"""Which baselines follow one another under a name: the series that a history is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from results import schema
from results.columns import check_columns
from results.damage import check_text, lenient, of_row, reading
from results.database import StoreError, driver_connection
from results.reader import FILE
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from results.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: str
    name: str
    suite: str
    pinned_at: float
    replaces: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One baseline of a series. `pinned_at` is seconds since the epoch, UTC."""

    id: str
    pinned_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A series of baselines, the first one first.

    `cut_off` says that it replaces one which is not in this store.
    """

    name: str
    suite: str
    baselines: tuple[Generation, ...]
    cut_off: bool = False


def lineage(store: Reader, *, name: str | None = None, suite: str | None = None) -> Lineage:
    """Return the one series that a name, or the id of its last baseline, and a suite leave.

    None leaves them all. Raises StoreError where that is none, or several.
    """
    with store.connection() as connection:
        driver_connection(connection).text_factory = lenient
        found = _baselines(connection)
    path = store.folder / FILE
    rows = {row["id"]: reading(path, of_row(row), row, _checked) for row in found}
    if not rows:
        raise StoreError(
            f"{store.folder}: expected nights against a baseline, got no baseline of a suite. "
            "Pin one with 'dyno baseline pin main', then: dyno nightly SUITE --baseline main"
        )
    meant = [row for row in rows.values() if row.id == name]
    if not meant:
        chosen = _one_of("--baseline", [row.name for row in rows.values()], name)
        meant = [row for row in rows.values() if row.name == chosen]
    of = _one_of("--suite", [row.suite for row in meant], suite)
    return _followed(rows, _last(rows, [row for row in meant if row.suite == of]))


def _baselines(connection: Connection) -> list[dict[str, Any]]:
    """Return the rows of all baselines, the first pinned first.

    An interpreter that waits for its first gate has no nights.
    """
    table = schema.baseline
    query = select(*(table.c[name] for name in [field.name for field in fields(_Row)])).where(
        table.c.suite != ""
    )
    found = connection.execute(query.order_by(table.c.pinned_at, table.c.id))
    return [dict(row) for row in found.mappings()]


def _checked(row: Mapping[str, Any]) -> _Row:
    check_text(row)
    check_columns(schema.baseline, row)
    return _Row(**row)


def _one_of(option: str, known: Sequence[str], text: str | None) -> str:
    words = list(dict.fromkeys(known))
    if text is None and len(words) == 1:
        return words[0]
    if text is not None and text in words:
        return text
    listed = ", ".join(map(repr, words))
    if text is None:
        raise StoreError(f"{option}: expected one of {listed}, got none. Name the one you mean.")
    raise StoreError(
        f"{option}: expected one of {listed}, got {text!r}.{did_you_mean(text, words)} "
        "List them with 'dyno baseline list'."
    )


def _last(rows: Mapping[str, _Row], meant: Sequence[_Row]) -> _Row:
    """Return the only one, or the only one that none replaces."""
    replaced = {row.replaces for row in rows.values()}
    found = meant if len(meant) == 1 else [row for row in meant if row.id not in replaced]
    if len(found) == 1:
        return found[0]
    raise StoreError(
        f"--baseline: expected one series {meant[0].name!r} of suite {meant[0].suite!r}, got "
        f"{len(found)}, which end in {', '.join(repr(row.id) for row in found)}. "
        "Name one by its id."
    )


def _followed(rows: Mapping[str, _Row], last: _Row) -> Lineage:
    left, found, before = dict(rows), [], last.id
    while before in left:
        row = left.pop(before)
        found.append(Generation(id=row.id, pinned_at=row.pinned_at))
        before = row.replaces
    return Lineage(
        name=last.name, suite=last.suite, baselines=tuple(reversed(found)), cut_off=bool(before)
    )
