"""Why cases of a table have no numbers, or not yet all: those with the same story together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.record import Failed, Skipped
from results.report.identity import case_numbers
from results.report.wording import one_line, sentence, sentences

if TYPE_CHECKING:
    from results.record import CaseResult

STATES = ("measured", "skipped", "failed", "open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A line below a table: `head` is whom it is about and how they ended, `text` why."""

    state: str
    head: str
    text: str


def state(case: CaseResult) -> str:
    """Return `measured`, `skipped`, `failed`, or `open` for a case that has no outcome."""
    return "open" if case.outcome is None else type(case.outcome).__name__.lower()


def asides(cases: Sequence[CaseResult]) -> tuple[Aside, ...]:
    """Return a line for each distinct story, in the order of the first case that has it."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for case in cases:
        if story := _story(case):
            groups.setdefault((state(case), *story), []).append(case.record.position)
    return tuple(
        Aside(state=ended, head=f"{case_numbers(positions)} {how}:", text=why)
        for (ended, how, why), positions in groups.items()
    )


def stories(cases: Sequence[CaseResult]) -> tuple[Aside, ...]:
    """Return a line for each way to fail or reason to skip: how many, and the first of them.

    Failures come first, and what most cases have before the rest.
    """
    groups: dict[tuple[str, str, str], list[CaseResult]] = {}
    for case in cases:
        story = _story(case) if case.outcome is not None else None
        if story:
            groups.setdefault((state(case), *story), []).append(case)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1])))
    return tuple(_counted(*story, found) for story, found in ordered)


def _counted(ended: str, how: str, why: str, cases: Sequence[CaseResult]) -> Aside:
    first = cases[0].record
    named = f"#{first.position + 1} {one_line(first.id)}"
    if len(cases) == 1:
        return Aside(state=ended, head=f"{named} {how}:", text=why)
    return Aside(state=ended, head=f"{len(cases)} {how}:", text=f"{why} First: {named}")


def _story(case: CaseResult) -> tuple[str, str] | None:
    """Return how the case ended and why, None where its numbers say it all."""
    match case.outcome:
        case Skipped(reason=reason):
            return "skipped", sentence(reason)
        case Failed(kind=kind, message=message, hint=hint):
            return f"failed ({kind})", sentences(message, hint)
        case None:
            kept = f"{case.launches} launch{'' if case.launches == 1 else 'es'} kept"
            return "open", f"the run ended before the case did, or still goes on; {kept}."
    return None
