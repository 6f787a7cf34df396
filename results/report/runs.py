"""The list of stored runs, for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from results.report.heading import resume_command
from results.report.wording import one_line
from results.totals import state_word

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from results.record import RunOverview

_HEADS = ("run (UTC)", "name", "suite", "state", "cases")
_FOLDED = ("name", "suite")
_GAP = 2
_UNFINISHED = ("killed", "interrupted")
_HINTS = 3
"""Of the newest unfinished runs; older ones are seldom gone on with."""
_COUNTS = ("measured", "skipped", "failed", "open")
_STYLES = {"failed": "bold red", "skipped": "dim", "open": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """A renderable for `Console.print`: a row a run, in the order given.

    `live` are the ids of those that go on.
    """

    runs: Sequence[RunOverview]
    live: Collection[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or a sentence where there is no run.

        Where the width is short, counts of cases stand below each other, then names fold.
        """
        del console
        if not self.runs:
            yield Text("no runs yet. Start with: dyno run smoke")
            return
        rows = [self._cells(run, ", ") for run in self.runs]
        if _width(rows) > options.max_width:
            rows = [self._cells(run, ",\n") for run in self.runs]
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
        for name in _HEADS:
            folds = name in _FOLDED
            table.add_column(name, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
        for row in rows:
            table.add_row(*row)
        yield table
        left = [run for run in self.runs if run.open and self._state(run) in _UNFINISHED]
        if left:
            yield Text()
            yield from (Text(_hint(run)) for run in left[:_HINTS])

    def _state(self, run: RunOverview) -> str:
        return state_word(run.end, live=run.record.id in self.live)

    def _cells(self, run: RunOverview, separator: str) -> tuple[Text, ...]:
        record = run.record
        words = (record.id, one_line(record.name), one_line(record.suite), self._state(run))
        counts = [
            Text(f"{count} {name}", style=_STYLES.get(name, ""))
            for name in _COUNTS
            if (count := getattr(run, name))
        ]
        return *map(Text, words), Text(separator).join(counts) if counts else Text("none")


def _hint(run: RunOverview) -> str:
    """Return how to go on with a run, in a line to be copied."""
    return f"to go on: {resume_command(run.record)}"


def _width(rows: Sequence[Sequence[Text]]) -> int:
    """Return the width of the table with every cell on one line."""
    columns = zip(map(Text, _HEADS), *rows, strict=True)
    widest = [max(cell_len(cell.plain) for cell in column) for column in columns]
    return sum(widest) + _GAP * (len(widest) - 1)
