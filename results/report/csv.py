"""A run's report as CSV: one row a case, units in the names of the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from results.frame import Pairs, flat_rows
from results.frame_columns import Value
from results.report.wording import one_line

if TYPE_CHECKING:
    from results.record import RunResult


def lines(run: RunResult, pairs: Pairs) -> Iterator[str]:
    """Yield the report line by line, its head first; an empty cell is a value that there is not.

    `pairs` are the run's cases with their summaries.
    """
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(flat_rows(run, pairs)):
        if number == 0:
            writer.writerow(row)
        writer.writerow([_spell(value) for value in row.values()])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _spell(value: Value) -> Value:
    """Return truth values as suites write them, and foreign text on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    return one_line(value) if isinstance(value, str) else value
