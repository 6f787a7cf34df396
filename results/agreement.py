"""A case's accuracy in the few numbers that a row of a table takes; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from results.accuracy import AccuracyRecord, ClassScore, OutputParity, TaskScore

RIGHT = ("accuracy", "exact_match")
"""The metric of a task that says how many answers are right, whichever it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The worst of all outputs; fields are those of OutputParity, `nan` and `inf` of all together.

    `snr_db` is None where nothing differs.
    """

    max_abs: float | None
    max_rel: float | None
    cosine: float | None
    snr_db: float | None
    top1: float | None
    nan: int
    inf: int


def agreement(record: AccuracyRecord) -> Agreement | None:
    """Return how the outputs agree with the reference, None where they were not compared."""
    outputs = record.parity
    if not outputs:
        return None
    return Agreement(
        max_abs=max(_told(outputs, "max_abs"), default=None),
        max_rel=max(_told(outputs, "max_rel"), default=None),
        cosine=min(_told(outputs, "cosine"), default=None),
        snr_db=min(_told(outputs, "snr_db"), default=None),
        top1=min(_told(outputs, "top1"), default=None),
        nan=sum(output.nan for output in outputs),
        inf=sum(output.inf for output in outputs),
    )


def weakest_class(task: TaskScore) -> ClassScore | None:
    """Return the class of the least F1, None where the task has no classes."""
    return min(task.classes, key=lambda one: one.f1, default=None)


def gained(task: TaskScore) -> float | None:
    """Return the right answers less those of the fp32 reference, as a fraction of the samples."""
    name = next((name for name in RIGHT if name in task.metrics and name in task.reference), None)
    return None if name is None else task.metrics[name] - task.reference[name]


def size_ratio(before: int, after: int) -> float | None:
    """Return the constants' bytes over those of the fp32 graph, None for a graph without any."""
    return after / before if before else None


def _told(outputs: Iterable[OutputParity], name: str) -> list[float]:
    found = [getattr(output, name) for output in outputs]
    return [value for value in found if value is not None]
