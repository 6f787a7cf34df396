"""A run's report as CSV: one row a case, units in the names of the columns."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING

from results.frame import Value, flat_rows
from results.report.wording import one_line

if TYPE_CHECKING:
    from results.record import RunResult, Summary


def render(run: RunResult, summaries: Mapping[int, Summary]) -> str:
    """Return the report; an empty cell is a value that there is not."""
    rows = flat_rows(run, summaries)
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    if rows:
        writer.writeheader()
    writer.writerows({name: _spell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _spell(value: Value) -> Value:
    """Return truth values as suites write them, and foreign text on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    return one_line(value) if isinstance(value, str) else value
