"""A run's report as GitHub markdown, with the tables and footnotes of the terminal's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from results.report.heading import BEST_RULE
from results.report.tables import BEST
from results.report.wording import one_line

if TYPE_CHECKING:
    from results.report.columns import Column
    from results.report.content import Content
    from results.report.tables import Table


def parts(content: Content) -> Iterator[str]:
    """Yield the report part by part; every column is there, whatever the width."""
    yield "\n".join(f"- {label}: {inline(text)}" for label, text in content.heading) + "\n"
    for body in content.bodies:
        yield from (f"\n{_table(table)}\n" for table in body.tables)
        rules = [f"{note.number}. {inline(note.text)}" for note in body.notes]
        if rules:
            yield "\n" + "\n".join(rules) + "\n"
        if body.has_numbers:
            best = f"{_escaped(BEST)} {BEST_RULE} " if body.has_best else ""
            yield f"\n{best}{body.interval_rule}\n"
        yield from (f"\n{inline(remark)}\n" for remark in body.remarks)
    yield from (f"\n{inline(warning)}\n" for warning in content.warnings)
    counted, *hints = content.closing
    yield "".join(f"\n{line}\n" for line in (f"**{counted}**", *map(inline, hints)))


def _table(table: Table) -> str:
    """Return the table under its title; cells of numbers are aligned to the right."""
    heads = [_escaped(" ".join(filter(None, (c.name, c.unit)))) for c in table.columns]
    rules = ["---:" if column.is_number else ":---" for column in table.columns]
    rows = [
        [_cell(column, row) for column in table.columns]
        for row in range(len(table.columns[0].cells))
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]
    asides = [f"- {inline(f'{aside.head} {aside.text}')}" for aside in table.asides]
    subtitle = f" ({inline(table.subtitle)})" if table.subtitle else ""
    parts = [f"### {inline(table.title)}{subtitle}", "\n".join(lines), "\n".join(asides)]
    return "\n\n".join(part for part in parts if part)


def _cell(column: Column, row: int) -> str:
    text = _escaped(one_line(column.cells[row].strip()))
    return f"**{text}**{_escaped(BEST)}" if row == column.best else text


def inline(text: str) -> str:
    """Return foreign text as it reads; `#3` would become a link to an issue of that number."""
    ranges = re.sub(r"#(\d+)–#(\d+)", r"cases \1–\2", _escaped(one_line(text)))
    return re.sub(r"#(\d+)", r"case \1", ranges)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", text)
