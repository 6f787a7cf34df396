"""Which limits a case's answers miss."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from results.accuracy import AccuracyRecord, TaskScore
    from suites.suite import AccuracyLimits


class _Limit(NamedTuple):
    """A limit's name, that of its figure, what messages call it, and the task that has it."""

    name: str
    figure: str
    told: str
    task: str = ""


_PARITY = (
    _Limit("min_cosine", "cosine", "cosine"),
    _Limit("max_abs", "max_abs", "max abs"),
    _Limit("max_rel", "max_rel", "max rel"),
    _Limit("min_snr_db", "snr_db", "SNR in dB"),
    _Limit("min_top1", "top1", "top-1 agreement"),
)
_SCORES = (
    _Limit("min_accuracy", "accuracy", "accuracy", "classification"),
    _Limit("min_f1", "f1", "F1", "classification"),
    _Limit("min_exact_match", "exact_match", "exact match", "sequence"),
    _Limit("max_cer", "cer", "character error rate", "sequence"),
    _Limit("max_accuracy_drop", "accuracy", "accuracy drop", "classification"),
)
_DIGITS = 12
"""Of a difference of fractions: 0.98 - 0.97 is not above 0.01."""


def violations(record: AccuracyRecord, limits: AccuracyLimits) -> tuple[str, ...]:
    """Return a sentence for each limit that is missed; of several outputs the worst is named.

    A figure that was asked of the case and is missing is one too. Limits hold for a whole suite:
    what is not asked of a case (parity of the reference with itself, scores of a model without a
    data set, or of another task) is none; nor is what cannot be asked here, since a data set or
    what scores it is not installed.
    """
    return (*_of_parity(record, limits), *_of_scores(record, limits))


def _of_parity(record: AccuracyRecord, limits: AccuracyLimits) -> Iterator[str]:
    asked = _asked(_PARITY, limits)
    if asked and not record.parity and "parity" in record.skipped:
        yield f"{_names(asked)} missing: {record.skipped['parity']}"
    for output in record.parity if asked else ():
        if strange := output.nan + output.inf:
            yield (
                f"{strange} of {output.values} values of output {output.output!r} are NaN or "
                "infinite, which the reference has not"
            )
        elif output.values and output.max_abs is None:
            yield (
                f"{_names(asked)} missing of output {output.output!r}: "
                "no value is finite here and in the reference"
            )
    for limit in asked:
        known = [(getattr(each, limit.figure), each.output) for each in record.parity]
        told = [(number, output) for number, output in known if number is not None]
        if told:
            number, name = min(told) if limit.name.startswith("min_") else max(told)
            yield from _missed(limit, number, limits, of=f"of output {name!r}")


def _of_scores(record: AccuracyRecord, limits: AccuracyLimits) -> Iterator[str]:
    asked = _asked(_SCORES, limits)
    if asked and record.task is None and "task" in record.skipped:
        yield f"{_names(asked)} missing: {record.skipped['task']}"
    task = record.task
    for limit in asked:
        if task is None or task.task != limit.task:
            continue
        if limit.name == "max_accuracy_drop":
            yield from _drop(limit, task, record, limits)
        else:
            number = task.metrics[limit.figure]
            yield from _missed(limit, number, limits, of=f"on {task.dataset}")


def _drop(
    limit: _Limit, task: TaskScore, record: AccuracyRecord, limits: AccuracyLimits
) -> Iterator[str]:
    if not task.reference:
        why = record.skipped.get("reference", "the reference has no scores")
        yield f"{limit.told} is missing: {why}"
        return
    before = task.reference["accuracy"]
    dropped = round(before - task.metrics["accuracy"], _DIGITS)
    yield from _missed(
        limit, dropped, limits, of=f"from {before:.6g} of the reference on {task.dataset}"
    )


def _asked(known: Sequence[_Limit], limits: AccuracyLimits) -> list[_Limit]:
    return [limit for limit in known if getattr(limits, limit.name) is not None]


def _missed(limit: _Limit, number: float, limits: AccuracyLimits, *, of: str) -> Iterator[str]:
    """Yield what is wrong, with as many digits as it takes to see that."""
    value, is_least = getattr(limits, limit.name), limit.name.startswith("min_")
    if number >= value if is_least else number <= value:
        return
    short = f"{number:.6g}"
    text = repr(number) if short == f"{value:.6g}" else short
    yield f"{limit.told} {text} {of} is {'below' if is_least else 'above'} {value:.12g}"


def _names(asked: Sequence[_Limit]) -> str:
    names = ", ".join(limit.told for limit in asked)
    return f"{names} {'is' if len(asked) == 1 else 'are'}"
