"""What tells the rows of a table apart, what all of them share, and what text calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from results.record import CaseRecord
from results.report.units import MISSING

ALWAYS = ("threads",)
"""Options worth naming even where no suite gives them; others only where a case was given them."""


MOST_SPANS = 40
"""Ranges that text names; the rows that are meant say so too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a table: a text a row, and how the subtitle calls a value that all share."""

    name: str
    texts: tuple[str, ...]
    is_number: bool
    phrase: str


def case_numbers(positions: Sequence[int]) -> str:
    """Return cases as tables call them, from 1, three in a row as a range: `#1–#4, #7`.

    `positions` are places in the suite, from 0, ascending. Of many, the last ones are counted.
    """
    runs: list[list[int]] = []
    for position in positions:
        if runs and position == runs[-1][-1] + 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    left = sum(map(len, runs[MOST_SPANS:]))
    more = f" and {left} more" if left else ""
    return ", ".join(map(_span, runs[:MOST_SPANS])) + more


def axes(records: Sequence[CaseRecord]) -> tuple[tuple[Axis, ...], tuple[Axis, ...]]:
    """Return the axes whose value varies between the records, and those whose does not."""
    found = [
        _axis("backend", [record.case.backend for record in records], "{}"),
        _axis("precision", [record.case.precision for record in records], "{}"),
        _axis("batch", [record.case.batch for record in records], "batch {}"),
        *(_axis(name, [dict(r.case.dims).get(name) for r in records]) for name in _dims(records)),
        *(_axis(name, [_options(r).get(name) for r in records]) for name in _given(records)),
    ]
    varying = tuple(axis for axis in found if len(set(axis.texts)) > 1)
    return varying, tuple(axis for axis in found if len(set(axis.texts)) == 1)


def _span(run: Sequence[int]) -> str:
    if len(run) > 2:
        return f"#{run[0] + 1}–#{run[-1] + 1}"
    return ", ".join(f"#{position + 1}" for position in run)


def _axis(name: str, values: Sequence[object], phrase: str = "") -> Axis:
    texts = tuple(_spell(value) for value in values)
    numbers = all(isinstance(value, int | float) or value is None for value in values)
    shared = phrase.format(texts[0]) if phrase else f"{name}={texts[0]}"
    return Axis(name=name, texts=texts, is_number=numbers, phrase=shared)


def _spell(value: object) -> str:
    if value is None:
        return MISSING
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dims(records: Sequence[CaseRecord]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for record in records for name, _ in record.case.dims))


def _given(records: Sequence[CaseRecord]) -> tuple[str, ...]:
    given = [name for record in records for name, _ in record.case.options]
    known = [name for name in ALWAYS if any(name in _options(record) for record in records)]
    return tuple(dict.fromkeys([*known, *given]))


def _options(record: CaseRecord) -> dict[str, object]:
    return {**dict(record.case.options), **record.options}
