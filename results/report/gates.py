"""The list of stored gates, for a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from results.report.verdict_words import ORDER, STYLES
from results.report.wording import one_line
from results.totals import state_word

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from results.gate_record import GateOverview

_HEADS = ("gate (UTC)", "kind", "baseline", "suite", "state", "verdicts")
_FOLDED = ("baseline", "suite")
_WIDEST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateList:
    """A renderable for `Console.print`: a row a gate, in the order given.

    `live` are the ids of those that go on.
    """

    gates: Sequence[GateOverview]
    live: Collection[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or a sentence where there is no gate.

        Where the width is short, verdicts stand below each other, then names fold.
        """
        if not self.gates:
            yield Text("no gates yet. Start with: dyno gate SUITE --baseline NAME")
            return
        table = self._table(", ")
        unlimited = options.update(width=_WIDEST)
        if console.measure(table, options=unlimited).maximum > options.max_width:
            table = self._table(",\n")
        yield table

    def _table(self, separator: str) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for name in _HEADS:
            folds = name in _FOLDED
            table.add_column(name, no_wrap=not folds, overflow="fold" if folds else "ellipsis")
        for gate in self.gates:
            table.add_row(*self._cells(gate, separator))
        return table

    def _cells(self, gate: GateOverview, separator: str) -> tuple[Text, ...]:
        record = gate.record
        state = state_word(gate.end, live=record.id in self.live)
        words = (record.id, record.kind, gate.baseline_name, record.suite, state)
        counts = [
            Text(f"{count} {word}", style=STYLES.get(word, ""))
            for word in ORDER
            if (count := gate.counts.get(word, 0))
        ]
        told = Text(separator).join(counts) if counts else Text("none")
        return *(Text(one_line(word)) for word in words), told
