"""The list of stored runs, for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from results.totals import state_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from results.record import RunOverview

_COUNTS = ("measured", "skipped", "failed", "open")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """A renderable for `Console.print`: a row a run, in the order given."""

    runs: Sequence[RunOverview]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or a sentence where there is no run."""
        del console, options
        if not self.runs:
            yield Text("no runs yet. Start with: dyno run smoke")
            return
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for name in ("run (UTC)", "name", "suite", "state", "cases"):
            table.add_column(name, no_wrap=name == "run (UTC)", overflow="fold")
        for run in self.runs:
            record = run.record
            cells = (record.id, record.name, record.suite, state_word(run.end), _cases(run))
            table.add_row(*map(Text, cells))
        yield table


def _cases(run: RunOverview) -> str:
    counts = ((getattr(run, name), name) for name in _COUNTS)
    return ", ".join(f"{count} {name}" for count, name in counts if count) or "none"
