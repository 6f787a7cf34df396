"""The lines below the table of accuracy: what was kept, not judged, or stands out, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from results.agreement import agreement, weakest_class
from results.report.asides import Aside
from results.report.identity import case_numbers
from results.report.units import fraction
from results.report.wording import one_line, sentence

if TYPE_CHECKING:
    from results.record import CaseResult

Told = Iterator[tuple[str, str]]
_NAMES = {"setup": "score", "task": "score", "reference": "score of the reference"}
"""What is called otherwise than in AccuracyRecord, where it was not made out."""


def accuracy_asides(cases: Sequence[CaseResult]) -> tuple[Aside, ...]:
    """Return the lines; cases of which the same is to be said stand together."""
    groups: dict[tuple[str, str], list[int]] = {}
    for rule in _RULES:
        for case in cases:
            for what, text in rule(case):
                groups.setdefault((what, text), []).append(case.record.position)
    return tuple(
        Aside(state="measured", head=f"{case_numbers(positions)} {what}:", text=text)
        for (what, text), positions in groups.items()
    )


def _reference(case: CaseResult) -> Told:
    if case.accuracy and case.accuracy.parity and case.accuracy.reference:
        yield "compared with", sentence(case.accuracy.reference)


def _calibration(case: CaseResult) -> Told:
    if calibration := case.record.facts.get("calibration"):
        yield "calibrated on", sentence(str(calibration))


def _dataset(case: CaseResult) -> Told:
    task = case.accuracy.task if case.accuracy else None
    if task is not None:
        count = f"{task.samples} sample{'' if task.samples == 1 else 's'}"
        yield "scored on", f"{one_line(task.dataset)}, {count}."


def _weakest(case: CaseResult) -> Told:
    weakest = weakest_class(case.accuracy.task) if case.accuracy and case.accuracy.task else None
    if weakest is not None:
        scores = f"F1 {fraction(weakest.f1)}, recall {fraction(weakest.recall)}"
        yield "weakest class", f"{one_line(weakest.label)!r}, {scores} of {weakest.support}."


def _not_finite(case: CaseResult) -> Told:
    worst = agreement(case.accuracy) if case.accuracy else None
    if worst is not None and (worst.nan or worst.inf):
        found = f"{worst.nan} NaN and {worst.inf} infinite values, finite in the reference."
        yield "not finite", found


def _skipped(case: CaseResult) -> Told:
    for name, reason in (case.accuracy.skipped if case.accuracy else {}).items():
        yield f"no {_NAMES.get(name, one_line(name))}", sentence(reason)


def _kept(case: CaseResult) -> Told:
    for text in case.record.effect.kept if case.record.effect else ():
        yield "kept", sentence(text)


_RULES: tuple[Callable[[CaseResult], Told], ...] = (
    _reference,
    _calibration,
    _dataset,
    _not_finite,
    _weakest,
    _skipped,
    _kept,
)
