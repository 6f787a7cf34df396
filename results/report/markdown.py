"""A run's report as GitHub markdown, with the tables and footnotes of the terminal's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from results.report.columns import Column
from results.report.footnotes import footnotes, marks, tails
from results.report.heading import BEST_RULE, INTERVAL_RULE, closing, heading, protocols
from results.report.tables import BEST, Table, cold_path, model_tables
from results.report.wording import one_line
from results.totals import measured

if TYPE_CHECKING:
    from results.record import RunResult, Summary


def render(run: RunResult, summaries: Mapping[int, Summary], machine: str = "") -> str:
    """Return the report; every column is there, whatever the width."""
    shown = measured(run, summaries)
    notes = footnotes(shown)
    tables = model_tables(run, summaries, tails=tails(shown), marks=marks(notes))
    cold = cold_path(run, summaries)
    named = [
        *heading(run, machine),
        *(("protocol", f"{fingerprint} {words}") for fingerprint, words in protocols(summaries)),
    ]
    parts = ["\n".join(f"- {label}: {_line(text)}" for label, text in named)]
    parts += [_table(table) for table in ((*tables, cold) if cold else tables)]
    rules = [f"{note.number}. {_line(note.text)}" for note in notes]
    if rules:
        parts.append("\n".join(rules))
    if shown:
        has_best = any(column.best is not None for table in tables for column in table.columns)
        parts.append(f"{_escaped(BEST)} {BEST_RULE} {INTERVAL_RULE}" if has_best else INTERVAL_RULE)
    return "\n\n".join([*parts, f"**{closing(run)}**"]) + "\n"


def _table(table: Table) -> str:
    """Return the table under its title; cells of numbers are aligned to the right."""
    heads = [_escaped(" ".join(filter(None, (c.name, c.unit)))) for c in table.columns]
    rules = ["---:" if column.is_number else ":---" for column in table.columns]
    rows = [
        [_cell(column, row) for column in table.columns]
        for row in range(len(table.columns[0].cells))
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows)]
    asides = [f"- {_line(f'{aside.head} {aside.text}')}" for aside in table.asides]
    subtitle = f" ({_line(table.subtitle)})" if table.subtitle else ""
    parts = [f"### {_line(table.title)}{subtitle}", "\n".join(lines), "\n".join(asides)]
    return "\n\n".join(part for part in parts if part)


def _cell(column: Column, row: int) -> str:
    text = _escaped(one_line(column.cells[row].strip()))
    return f"**{text}**{_escaped(BEST)}" if row == column.best else text


def _line(text: str) -> str:
    """Return foreign text as it reads; `#3` would become a link to an issue of that number."""
    ranges = re.sub(r"#(\d+)–#(\d+)", r"cases \1–\2", _escaped(one_line(text)))
    return re.sub(r"#(\d+)", r"case \1", ranges)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", text)
