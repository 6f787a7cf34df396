"""Cases that the plan itself has closed, those with the same story on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from results.record import Outcome
    from suites.case import Case


def together(settled: Iterable[tuple[Case, Outcome]]) -> tuple[tuple[str, int, Outcome], ...]:
    """Return each distinct outcome once, with the first case that has it and of how many it is."""
    groups: dict[Outcome, list[str]] = {}
    for case, outcome in settled:
        groups.setdefault(outcome, []).append(case.id)
    return tuple((_whose(ids), len(ids), outcome) for outcome, ids in groups.items())


def _whose(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"
