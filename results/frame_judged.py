"""The columns that flat rows have of a case's precision and accuracy, each with what reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from results.agreement import agreement
from results.codec import dump
from results.frame_columns import Value

if TYPE_CHECKING:
    from results.accuracy import TaskScore
    from results.effect import Effect
    from results.record import CaseResult

Read = Callable[["CaseResult"], Value]

_BYTES = ("bytes_before", "bytes_after")
_SHARES = ("weights", "flops")
_PARITY = ("cosine", "max_abs", "max_rel", "snr_db", "top1", "nan", "inf")
_METRICS = ("accuracy", "precision", "recall", "f1", "exact_match", "cer")
_CLASS = ("label", "precision", "recall", "f1", "support")
WHOLE = (
    "changed_nodes",
    "floating_nodes",
    "weights_bytes_before",
    "weights_bytes_after",
    "parity_nan",
    "parity_inf",
    "task_samples",
)
TEXTS = (
    "weights_types",
    "flops_types",
    "kept",
    "parity_reference",
    "task_dataset",
    "task",
    "task_classes",
    "accuracy_unknown",
)


def _of_effect(read: Callable[[Effect], Value]) -> Read:
    return lambda case: None if case.record.effect is None else read(case.record.effect)


def _of_task(read: Callable[[TaskScore], Value]) -> Read:
    def found(case: CaseResult) -> Value:
        task = None if case.accuracy is None else case.accuracy.task
        return None if task is None else read(task)

    return found


def _field(name: str) -> Callable[[object], Value]:
    def read(record: object) -> Value:
        found: Value = getattr(record, name)
        return found

    return read


def _types(name: str) -> Callable[[Effect], Value]:
    return lambda effect: "; ".join(f"{t} {s:.3g}" for t, s in getattr(effect, name).items())


def _worst(name: str) -> Read:
    def read(case: CaseResult) -> Value:
        worst = None if case.accuracy is None else agreement(case.accuracy)
        found: Value = getattr(worst, name, None)
        return found

    return read


def _metric(name: str) -> Read:
    return _of_task(lambda task: task.metrics.get(name))


def _of_reference(name: str) -> Read:
    return _of_task(lambda task: task.reference.get(name))


def _reference(case: CaseResult) -> Value:
    return case.accuracy.reference or None if case.accuracy else None


def _classes(task: TaskScore) -> Value:
    """Return the scores of each class as JSON, None where the task has no classes."""
    if not task.classes:
        return None
    return dump([{name: getattr(one, name) for name in _CLASS} for one in task.classes])


def _unknown(case: CaseResult) -> Value:
    skipped = case.accuracy.skipped if case.accuracy else {}
    return "; ".join(f"{name}: {reason}" for name, reason in skipped.items()) or None


READERS: Mapping[str, Read] = {
    "changed_nodes": _of_effect(_field("nodes")),
    "floating_nodes": _of_effect(_field("all_nodes")),
    **{f"weights_{name}": _of_effect(_field(name)) for name in _BYTES},
    **{f"{name}_types": _of_effect(_types(name)) for name in _SHARES},
    "kept": _of_effect(lambda effect: "; ".join(effect.kept) or None),
    "parity_reference": _reference,
    **{f"parity_{name}": _worst(name) for name in _PARITY},
    "task_dataset": _of_task(_field("dataset")),
    "task": _of_task(_field("task")),
    "task_samples": _of_task(_field("samples")),
    **{f"task_{name}": _metric(name) for name in _METRICS},
    **{f"task_reference_{name}": _of_reference(name) for name in _METRICS},
    "task_classes": _of_task(_classes),
    "accuracy_unknown": _unknown,
}
"""Every column, in order; parity is that of the worst output, `task_precision` a macro average."""
