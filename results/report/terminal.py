"""A run's report for a terminal or a pipe of any width, drawn by rich."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from results.report.asides import Aside
from results.report.columns import Column
from results.report.footnotes import Footnote, footnotes, marks, tails
from results.report.heading import BEST_RULE, INTERVAL_RULE, closing, heading, protocols
from results.report.tables import BEST, Table, cold_path, model_tables
from results.report.wording import one_line
from results.totals import measured

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from results.record import RunResult, Summary

GAP = 2
"""Spaces between columns; one where two would cost a column."""
_NARROWEST = 8
"""Text is not folded to fewer characters than these."""
_STYLES = {"failed": "bold red", "skipped": "dim", "open": "yellow"}
_BOND = "\N{NO-BREAK SPACE}"
_BONDS = re.compile(r"(?<=[±≥×]) (?=\d)|(?<=\d) (?=(?:%|[nµm]?s|min|[KMG]?i?B)(?!\w))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A renderable for `Console.print`; `summaries` by position, `machine` in one line."""

    run: RunResult
    summaries: Mapping[int, Summary]
    machine: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts, the tables cut to the width there is."""
        width = options.max_width
        shown = measured(self.run, self.summaries)
        notes = footnotes(shown)
        tables = model_tables(self.run, self.summaries, tails=tails(shown), marks=marks(notes))
        cold = cold_path(self.run, self.summaries)
        hidden: dict[str, None] = {}
        yield from _heading(self.run, self.summaries, self.machine, width)
        for table in (*tables, cold) if cold else tables:
            columns, gap = _fitting(table.columns, width)
            hidden |= dict.fromkeys(c.name for c in table.columns if c not in columns)
            yield from _drawn(table, columns, gap, width)
        yield Text()
        if shown:
            has_best = any(c.best is not None for table in tables for c in table.columns)
            yield from _foot(notes, tuple(hidden), has_best=has_best, width=width)
            yield Text()
        yield _paragraph(closing(self.run), width, style="bold")


def _heading(
    run: RunResult, summaries: Mapping[int, Summary], machine: str, width: int
) -> Sequence[Text]:
    labelled = [
        *heading(run, machine),
        *(("protocol", " ".join(parts)) for parts in protocols(summaries)),
    ]
    indent = max(len(label) for label, _ in labelled) + GAP
    return tuple(
        _paragraph(one_line(text), width, first=label.ljust(indent), rest=" " * indent)
        for label, text in labelled
    )


def _drawn(
    table: Table, columns: Sequence[Column], gap: int, width: int
) -> Sequence[RenderableType]:
    """Return title, table and asides, below an empty line."""
    title, subtitle = one_line(table.title), one_line(table.subtitle)
    if subtitle:
        head = _paragraph(subtitle, width, first=f"{title}  ", rest="  ", style="dim")
        head.stylize("not dim bold", 0, len(title))
    else:
        head = _paragraph(title, width, rest="  ", style="bold")
    asides = (_aside(aside, width) for aside in table.asides)
    return (Text(), head, _grid(table, columns, gap, width), *asides)


def _aside(aside: Aside, width: int) -> Text:
    """Return the line; of a failure the text is as plain to read as its head is to see."""
    style = _STYLES.get(aside.state, "")
    text = _paragraph(f"{aside.head} {aside.text}", width, rest="   ")
    text.stylize(style, 0, len(text) if style == "dim" else len(aside.head))
    return text


def _grid(table: Table, columns: Sequence[Column], gap: int, width: int) -> Grid:
    """Return the columns laid out; rich aligns nothing, since cells of numbers come aligned.

    The box puts one space between columns, the padding the rest of the gap.
    """
    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False)
    widths = _widths(columns, gap, width)
    has_units = any(column.unit for column in columns)
    for column, least in zip(columns, widths, strict=True):
        head = _head(column, has_units=has_units)
        grid.add_column(head, no_wrap=True, min_width=least)
    for row in range(len(columns[0].cells)):
        style = _STYLES.get(table.states[row], "")
        cells = (_cell(column, row, w) for column, w in zip(columns, widths, strict=True))
        grid.add_row(*cells, style=style)
    return grid


def _head(column: Column, *, has_units: bool) -> Text:
    """Return the name over the unit, if the table has any."""
    lines = (column.name, column.unit) if has_units else (column.name,)
    if not column.is_number:
        return Text("\n".join(lines))
    width = max(len(text) for text in (column.name, column.unit, *column.cells))
    mark = "" if column.best is None else " "
    return Text("\n".join(f"{line.rjust(width)}{mark}" for line in lines))


def _cell(column: Column, row: int, width: int) -> Text:
    if not column.is_number:
        return Text(_folded(one_line(column.cells[row]), width))
    text = column.cells[row].rjust(max(len(column.name), len(column.unit)))
    if column.best is None:
        return Text(text)
    return Text(text + BEST, style="bold green") if row == column.best else Text(f"{text} ")


def _folded(text: str, width: int) -> str:
    """Return the text folded to the width, behind a slash where there is one: ids stay readable."""
    if cell_len(text) <= width:
        return text
    lines = wrap(_parts(text), width=width, break_on_hyphens=False)
    return "\n".join(line.replace("/ ", "/") for line in lines)


def _widths(columns: Sequence[Column], gap: int, width: int) -> list[int]:
    """Return each column's width: text gives way until the table fits, within words last of all.

    Numbers stay whole, even where the table is too wide then.
    """
    widths = [_width(column) for column in columns]
    words = [_longest_word(column) for column in columns]
    texts = [place for place, column in enumerate(columns) if not column.is_number]
    for _ in range(sum(widths) + gap * (len(widths) - 1) - width):
        foldable = [place for place in texts if widths[place] > _NARROWEST]
        if not foldable:
            break
        widths[max(foldable, key=lambda at: (widths[at] > words[at], widths[at]))] -= 1
    return widths


def _longest_word(column: Column) -> int:
    texts = (column.name, *map(one_line, column.cells))
    return max(cell_len(word) for text in texts for word in (_parts(text).split() or [""]))


def _parts(text: str) -> str:
    """Return the text with a space behind each slash, where an id may be folded."""
    return text.replace("/", "/ ")


def _fitting(columns: tuple[Column, ...], width: int) -> tuple[tuple[Column, ...], int]:
    """Return the columns that fit, the least needed left out first, and the gap between them.

    Where not even the needed ones fit, columns of text fold.
    """
    kept = columns
    while True:
        for gap in (GAP, GAP - 1):
            if sum(_width(column) + gap for column in kept) - gap <= width:
                return kept, gap
        least = max(kept, key=lambda column: column.drop)
        if not least.drop:
            return kept, GAP - 1
        kept = tuple(column for column in kept if column is not least)


def _width(column: Column) -> int:
    mark = 0 if column.best is None else 1
    return max(cell_len(text) for text in (column.name, column.unit, *column.cells)) + mark


def _foot(
    notes: Sequence[Footnote], hidden: Sequence[str], *, has_best: bool, width: int
) -> Sequence[Text]:
    """Return the footnotes, each numbered, and what holds for all numbers."""
    rules = [(str(note.number), note.text) for note in notes]
    if has_best:
        rules.append((BEST, BEST_RULE))
    rules.append(("±", INTERVAL_RULE))
    if hidden:
        rules.append(("…", f"Left out at this width: {', '.join(hidden)}."))
    indent = max(len(mark) for mark, _ in rules) + 1
    return tuple(
        _paragraph(text, width, first=f"{mark.rjust(indent - 1)} ", rest=" " * indent)
        for mark, text in rules
    )


def _paragraph(text: str, width: int, *, first: str = "", rest: str = "", style: str = "") -> Text:
    """Return the text wrapped, no number parted from its unit or its sign."""
    lines = wrap(
        _BONDS.sub(_BOND, text),
        width=max(width, len(rest) + 1),
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    )
    return Text("\n".join(lines).replace(_BOND, " "), style=style)
