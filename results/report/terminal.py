"""A run's report for a terminal or a pipe of any width, drawn by rich."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from results.report.grid import GAP, STYLES, fitting, grid
from results.report.heading import BEST_RULE
from results.report.tables import BEST
from results.report.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from results.report.asides import Aside
    from results.report.body import Body
    from results.report.columns import Column
    from results.report.content import Content
    from results.report.tables import Table

_BOND = "\N{NO-BREAK SPACE}"
_BONDS = re.compile(r"(?<=[±≥×]) (?=\d)|(?<=\d) (?=(?:%|[nµm]?s|min|h|[KMG]?i?B)(?!\w))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A renderable for `Console.print`, which holds it all; `lines` come one by one."""

    content: Content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the width there is."""
        del console
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield the report in paragraphs and rows, the tables cut to the width."""
        yield from _heading(self.content.heading, width)
        for body in self.content.bodies:
            yield from _body(body, width)
        if self.content.warnings:
            yield Text()
            yield from (_marked(("!", text), 2, width) for text in self.content.warnings)
        yield Text()
        for line in self.content.closing:
            yield _paragraph(line, width, style="bold")


def _heading(labelled: Sequence[tuple[str, str]], width: int) -> Iterator[Text]:
    indent = max(len(label) for label, _ in labelled) + GAP
    for label, text in labelled:
        yield _paragraph(one_line(text), width, first=label.ljust(indent), rest=" " * indent)


def _body(body: Body, width: int) -> Iterator[Text]:
    hidden: dict[str, None] = {}
    for table in body.tables:
        columns, gap = fitting(table.columns, width)
        hidden |= dict.fromkeys(c.name for c in table.columns if c not in columns)
        yield from _drawn(table, columns, gap, width)
    if body.has_numbers:
        yield Text()
        yield from _foot(body, tuple(hidden), width)
    if body.remarks:
        yield Text()
        yield from (_paragraph(one_line(remark), width) for remark in body.remarks)


def _drawn(table: Table, columns: Sequence[Column], gap: int, width: int) -> Iterator[Text]:
    """Yield title, table and asides, below an empty line."""
    title, subtitle = one_line(table.title), one_line(table.subtitle)
    if subtitle:
        head = _paragraph(subtitle, width, first=f"{title}  ", rest="  ", style="dim")
        head.stylize("not dim bold", 0, len(title))
    else:
        head = _paragraph(title, width, rest="  ", style="bold")
    yield Text()
    yield head
    yield from grid(table, columns, gap, width)
    yield from (_aside(aside, width) for aside in table.asides)


def _aside(aside: Aside, width: int) -> Text:
    """Return the line; of a failure the text is as plain to read as its head is to see."""
    style = STYLES.get(aside.state, "")
    text = _paragraph(f"{aside.head} {aside.text}", width, rest="   ")
    text.stylize(style, 0, len(text) if style == "dim" else len(aside.head))
    return text


def _foot(body: Body, hidden: Sequence[str], width: int) -> Iterator[Text]:
    """Yield the footnotes, each numbered, and what holds for all numbers."""
    rules = [(str(note.number), note.text) for note in body.notes]
    if body.has_best:
        rules.append((BEST, BEST_RULE))
    rules.append(("±", body.interval_rule))
    if hidden:
        rules.append(("…", f"Left out at this width: {', '.join(hidden)}."))
    indent = max(len(mark) for mark, _ in rules) + 1
    yield from (_marked(rule, indent, width) for rule in rules)


def _marked(rule: tuple[str, str], indent: int, width: int) -> Text:
    mark, text = rule
    return _paragraph(text, width, first=f"{mark.rjust(indent - 1)} ", rest=" " * indent)


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
