"""What belongs together in a store (a run, a baseline, a gate), compared and copied as one.

Every row is written once and never changed, so of two copies of a run or a gate one is an earlier
state of the other, or they are two different ones that share an id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, FromClause, Select, Table, and_, exists, func, insert, select

from results import schema
from results.upkeep.attach import OTHER


class Fate(StrEnum):
    """What became of a run, a baseline or a gate of the other store."""

    ADDED = "added"
    EXTENDED = "extended"
    SAME = "same"
    LONGER_HERE = "longer here"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The tables that a `kind` of thing is in, its own first, in the order of their foreign keys.

    `keys` are by table what makes a row the same in two stores, `name` the column that is told with
    an id, `at` when it began, `told` the words for rows of the tables that are counted. `derived`
    tables may differ: they are made anew by another dyno.
    """

    kind: str
    name: str
    at: str
    keys: Mapping[str, Sequence[str]]
    told: Mapping[str, str]
    grows: bool = True
    derived: Collection[str] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that two copies are compared by."""
        return tuple(name for name in self.keys if name not in self.derived)


RUNS = Family(
    kind="run",
    name="name",
    at="started_at",
    keys={
        "run": ("id",),
        "resume": ("run_id", "number"),
        "run_end": ("run_id", "ended_at", "state"),
        "case": ("run_id", "position"),
        "launch": ("run_id", "position", "attempt", "number"),
        "telemetry": ("run_id", "position", "attempt"),
        "accuracy": ("run_id", "position", "attempt"),
        "outcome": ("run_id", "position"),
        "summary": ("run_id", "position", "statistics_version", "launches"),
    },
    told={"case": "case", "launch": "launch", "outcome": "outcome"},
    derived=("summary",),
)
BASELINES = Family(
    kind="baseline",
    name="name",
    at="pinned_at",
    keys={"baseline": ("id",), "pinned": ("baseline_id", "case_id")},
    told={"pinned": "case"},
    grows=False,
)
GATES = Family(
    kind="gate",
    name="suite",
    at="started_at",
    keys={
        "gate": ("id",),
        "gate_end": ("gate_id",),
        "pair": ("gate_id", "case_id", "phase", "number"),
        "verdict": ("gate_id", "case_id"),
    },
    told={"pair": "pair", "verdict": "verdict"},
)


def members(connection: Connection, family: Family) -> list[tuple[str, str]]:
    """Return id and name of each of them in the other store, oldest first."""
    table = OTHER[family.kind]
    query = select(table.c.id, table.c[family.name]).order_by(table.c[family.at], table.c.id)
    return [(row[0], row[1]) for row in connection.execute(query)]


def judge(
    connection: Connection, family: Family, its_id: str, live: Collection[str]
) -> tuple[Fate, str]:
    """Return what is to become of it, and why it is refused if it is. `live` ones go on here."""
    kind, table = family.kind, schema.metadata.tables[family.kind]
    if connection.execute(select(table.c.id).where(table.c.id == its_id)).first() is None:
        return Fate.ADDED, ""
    lacking = [
        name for name in family.tables if _lacks(connection, family, name, its_id, here=True)
    ]
    more = [name for name in family.tables if _lacks(connection, family, name, its_id, here=False)]
    if (lacking and more) or (not family.grows and {*lacking, *more}):
        differing = ", ".join(name for name in family.tables if name in {*lacking, *more})
        return Fate.REFUSED, f"another {kind} has this id here: they differ in {differing}"
    if lacking and its_id in live:
        return Fate.REFUSED, "the other store has more of it, and it goes on here"
    if lacking:
        return Fate.EXTENDED, ""
    return (Fate.LONGER_HERE if more else Fate.SAME), ""


def copy(connection: Connection, family: Family, its_id: str) -> dict[str, int]:
    """Copy the rows that are missing here, in the order they came; count them by table."""
    added = {}
    for name, keys in family.keys.items():
        mine, theirs = schema.metadata.tables[name], OTHER[name]
        columns = _columns(family, theirs)
        names = [column.name for column in columns]
        if name == "launch":
            names, columns = [*names, "id"], [*columns, theirs.c.id + last_launch(connection)]
        here = exists().where(same_row(mine, theirs, keys))
        missing = select(*columns).where(_of(family, theirs) == its_id, ~here)
        order = theirs.c.id if "id" in theirs.c else theirs.c[keys[-1]]
        query = insert(mine).from_select(names, missing.order_by(order))
        added[name] = connection.execute(query).rowcount
    return added


def last_launch(connection: Connection) -> int:
    """Return the number of the last launch here, by which those that come new are moved up."""
    last = select(func.coalesce(func.max(schema.launch.c.id), 0))
    return int(connection.execute(last).scalar_one())


def same_row(mine: FromClause, theirs: FromClause, keys: Sequence[str]) -> Any:
    """Return the condition that two rows are the same one in two stores."""
    return and_(*(mine.c[key] == theirs.c[key] for key in keys))


def _lacks(connection: Connection, family: Family, name: str, its_id: str, *, here: bool) -> bool:
    """Return whether one store, this one or the other, lacks a row that the other has."""
    mine, theirs = schema.metadata.tables[name], OTHER[name]
    having, lacking = (theirs, mine) if here else (mine, theirs)
    query = _content(family, having, its_id).except_(_content(family, lacking, its_id))
    return connection.execute(query.limit(1)).first() is not None


def _content(family: Family, table: Table, its_id: str) -> Select[Any]:
    """Select all that a table says of it; the numbers of rows are each store's own."""
    return select(*_columns(family, table)).where(_of(family, table) == its_id)


def _columns(family: Family, table: Table) -> list[Any]:
    return [column for column in table.c if column.name != "id" or table.name == family.kind]


def _of(family: Family, table: Table) -> Any:
    return table.c.id if table.name == family.kind else table.c[f"{family.kind}_id"]
