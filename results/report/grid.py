"""A table laid out to a width: columns are left out, then text folds; numbers stay whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from results.report.tables import BEST
from results.report.wording import one_line

if TYPE_CHECKING:
    from results.report.columns import Column
    from results.report.tables import Table

GAP = 2
"""Spaces between columns; one where two would cost a column."""
STYLES = {"failed": "bold red", "skipped": "dim", "open": "yellow"}
_NARROWEST = 8
"""Text is not folded to fewer characters than these."""
_BOND = "\N{NO-BREAK SPACE}%"
_BEST_STYLE = "bold green"


def fitting(columns: tuple[Column, ...], width: int) -> tuple[tuple[Column, ...], int]:
    """Return the columns that fit, the least needed left out first, and the gap between them.

    Columns of text that may be narrower are counted so. Where not even the needed ones fit, columns
    of text fold.
    """
    kept = columns
    widths = {id(column): _least(column) for column in columns}
    while True:
        for gap in (GAP, GAP - 1):
            if sum(widths[id(column)] + gap for column in kept) - gap <= width:
                return kept, gap
        least = max(kept, key=lambda column: column.drop)
        if not least.drop:
            return kept, GAP - 1
        kept = tuple(column for column in kept if column is not least)


def grid(table: Table, columns: Sequence[Column], gap: int, width: int) -> Iterator[Text]:
    """Yield the lines of the head and of the rows, each row as it is drawn."""
    widths = _widths(columns, gap, width)
    has_units = any(column.unit for column in columns)
    heads = [_head(column, has_units=has_units) for column in columns]
    yield from _lines(heads, widths, gap, style="bold")
    yield Text("─" * min(width, sum(widths) + gap * (len(widths) - 1)))
    for row, state in enumerate(table.states):
        cells = [_cell(column, row, least) for column, least in zip(columns, widths, strict=True)]
        best = [place for place, column in enumerate(columns) if column.best == row]
        yield from _lines(cells, widths, gap, style=STYLES.get(state, ""), best=best)


def _lines(
    cells: Sequence[Sequence[str]],
    widths: Sequence[int],
    gap: int,
    *,
    style: str,
    best: Sequence[int] = (),
) -> Iterator[Text]:
    """Yield a row as the lines that its highest cell takes; cells of numbers come aligned."""
    for number in range(max(map(len, cells))):
        parts = [
            _padded(lines[number] if number < len(lines) else "", least)
            for lines, least in zip(cells, widths, strict=True)
        ]
        line = Text((" " * gap).join(parts), style=style, no_wrap=True, overflow="ignore")
        for place in best:
            start = sum(len(part) + gap for part in parts[:place])
            line.stylize(_BEST_STYLE, start, start + len(parts[place]))
        line.rstrip()
        yield line


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _head(column: Column, *, has_units: bool) -> list[str]:
    """Return the name over the unit, if the table has any."""
    lines = [column.name, column.unit] if has_units else [column.name]
    if not column.is_number:
        return lines
    width = max(len(text) for text in (column.name, column.unit, *column.cells))
    mark = "" if column.best is None else " "
    return [f"{line.rjust(width)}{mark}" for line in lines]


def _cell(column: Column, row: int, width: int) -> list[str]:
    if not column.is_number:
        return _folded(one_line(column.cells[row]), width)
    text = column.cells[row].rjust(max(len(column.name), len(column.unit)))
    if column.best is None:
        return [text]
    return [text + BEST if row == column.best else f"{text} "]


def _folded(text: str, width: int) -> list[str]:
    """Return the text folded to the width, behind a slash where there is one: ids stay readable."""
    if cell_len(text) <= width:
        return [text]
    lines = wrap(_parts(text), width=width, break_on_hyphens=False)
    return [line.replace("/ ", "/").replace(_BOND, " %") for line in lines]


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
    texts = {column.name, *map(one_line, column.cells)}
    return max(cell_len(word) for text in texts for word in _parts(text).split(" "))


def _parts(text: str) -> str:
    """Return the text with a space where it may be folded: behind a slash, not before a %."""
    return text.replace("/", "/ ").replace(" %", _BOND)


def _least(column: Column) -> int:
    width = _width(column)
    return min(width, column.narrow) if column.narrow else width


def _width(column: Column) -> int:
    mark = 0 if column.best is None else 1
    return max(cell_len(text) for text in (column.name, column.unit, *column.cells)) + mark
