"""What the store asks its tables where that is more than a row by its key."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, select, type_coerce
from sqlalchemy.types import NullType

from results import schema
from results.codec import encodable
from results.ranking import PATHS


def ends() -> Select[Any]:
    """Select how runs ended, in that order; the end of an attempt that was resumed is none."""
    end, resume = schema.run_end, schema.resume
    later = and_(resume.c.run_id == end.c.run_id, resume.c.resumed_at > end.c.ended_at)
    return select(end).where(~exists().where(later)).order_by(end.c.id)


def summaries(
    run_id: str, statistics_version: int, positions: Collection[int] | None = None
) -> Select[Any]:
    """Select the summaries of a run or some of its cases, those of most launches last."""
    return _summaries(schema.summary.c.summary, run_id, statistics_version, positions)


def accuracies(run_id: str, positions: Collection[int] | None = None) -> Select[Any]:
    """Select the accuracy of a run or some of its cases, that of the newest attempt last.

    Launches make that of earlier attempts than theirs void.
    """
    table, launch = schema.accuracy, schema.launch
    launched = (
        select(func.coalesce(func.max(launch.c.attempt), 0))
        .where(launch.c.run_id == table.c.run_id, launch.c.position == table.c.position)
        .scalar_subquery()
    )
    query = select(table).filter_by(run_id=run_id).where(table.c.attempt >= launched)
    query = query.order_by(table.c.attempt)
    return query if positions is None else query.where(table.c.position.in_(positions))


def glances(run_id: str, statistics_version: int) -> Select[Any]:
    """Select what `results/ranking.py` reads of each summary, those of most launches last."""
    summary = schema.summary.c.summary
    # what is no JSON comes as it is, to be told with its run and case
    glance = func.iif(func.json_valid(summary), func.json_extract(summary, *PATHS), summary)
    return _summaries(glance.label("glance"), run_id, statistics_version)


def history(case_id: str) -> Select[Any]:
    """Select the summaries of the case in the runs that measured it, the newest run last.

    Of one run, the summary of the newest rules and of most launches comes last.
    """
    run, case, outcome, summary = schema.run, schema.case, schema.outcome, schema.summary
    closed = and_(outcome.c.run_id == case.c.run_id, outcome.c.position == case.c.position)
    summed = and_(summary.c.run_id == case.c.run_id, summary.c.position == case.c.position)
    columns = (run.c.id, run.c.name, run.c.started_at, run.c.dyno_version)
    return (
        select(*columns, case.c.position, summary.c.summary)
        .select_from(case.join(run).join(outcome, closed).join(summary, summed))
        .where(case.c.case_id == encodable(case_id), outcome.c.outcome == "measured")
        .order_by(run.c.started_at, run.c.id, summary.c.statistics_version, summary.c.launches)
    )


def raw_columns() -> list[ColumnElement[Any]]:
    """Return the columns of raw timings as SQLite has them, be it that damage made one a text."""
    return [
        type_coerce(column, NullType()).label(column.name)
        for column in schema.timings.c
        if column.name != "launch_id"
    ]


def pairs() -> Select[Any]:
    """Select pairs with their blocks as SQLite has them, be it that damage made them a text."""
    table = schema.pair
    blocks = type_coerce(table.c.blocks, NullType()).label("blocks")
    return select(*(blocks if column is table.c.blocks else column for column in table.c))


def pinned_hash(table: Table, name: str) -> ColumnElement[str | None]:
    """Return what a row of `pinned` says of a file by the name of the hash, None where damaged."""
    told = table.c.pinned
    return func.iif(func.json_valid(told), func.json_extract(told, f"$.{name}"), None)


def _summaries(
    told: ColumnElement[Any],
    run_id: str,
    statistics_version: int,
    positions: Collection[int] | None = None,
) -> Select[Any]:
    table = schema.summary
    query = select(table.c.run_id, table.c.position, told).order_by(table.c.launches)
    query = query.filter_by(run_id=run_id, statistics_version=statistics_version)
    return query if positions is None else query.where(table.c.position.in_(positions))
