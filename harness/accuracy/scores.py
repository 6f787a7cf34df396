"""What the answers to labelled samples are worth: scores of classifications and of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.sequences import sequence_metrics
from results.accuracy import ClassScore, TaskScore
from suites.datasets.samples import PADDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.datasets.samples import Samples

    Array = NDArray[Any]
    Whole = NDArray[np.int64]

_CLASSIFICATION = "classification"


class ScoreError(Exception):
    """Answers cannot be scored; the text says why."""


class NoScorerError(ScoreError):
    """What scores answers is not installed."""


def scores(samples: Samples, answers: Array) -> TaskScore:
    """Return the scores of the answers, which have the samples on their first axis.

    Classification: answers are logits [samples, classes], the greatest wins; of a single column
    those above 0 are class 1; whole numbers are classes already. Sequence: logits [samples, steps,
    symbols] or whole numbers [samples, steps], the greatest of each step. Step k answers label k,
    and steps beyond a label's end are not asked. Raises ScoreError.
    """
    if samples.labels is None:
        raise ScoreError(f"data set {samples.name!r} has no labels. Give it some, or no task.")
    metrics, classes = _scored(samples, samples.labels, answers)
    return TaskScore(
        dataset=samples.name,
        task=samples.task,
        samples=len(samples.labels),
        metrics=metrics,
        classes=classes,
    )


def _scored(
    samples: Samples, labels: Whole, answers: Array
) -> tuple[dict[str, float], tuple[ClassScore, ...]]:
    place = f"data set {samples.name!r}"
    if len(labels) != len(answers) or not len(labels):
        raise ScoreError(
            f"{place}: expected as many answers as labels, {len(labels)} (1 at least), "
            f"got {len(answers)}. Give each sample a label."
        )
    if _is_float(answers) and (nan := int(np.isnan(answers.astype(np.float32)).sum())):
        raise ScoreError(f"output {samples.output!r}: NaN in {nan} of {answers.size} answers")
    if samples.task == _CLASSIFICATION:
        return _classification(samples, labels, answers)
    return _sequences(samples, labels, answers), ()


def _classification(
    samples: Samples, labels: Whole, answers: Array
) -> tuple[dict[str, float], tuple[ClassScore, ...]]:
    found, count = _classes(samples.output, answers)
    _require_known(samples, labels, count)
    try:
        from sklearn.metrics import accuracy_score, precision_recall_fscore_support
    except ImportError:
        raise NoScorerError(
            "scikit-learn is not installed. Install dyno with the 'accuracy' extra."
        ) from None
    present = np.union1d(labels, found)
    each = precision_recall_fscore_support(labels, found, labels=present, zero_division=0)
    precision, recall, f1, support = each
    metrics = {
        "accuracy": float(accuracy_score(labels, found)),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
    }
    rows = zip(present, precision, recall, f1, support, strict=True)
    return metrics, tuple(
        ClassScore(
            label=_label(samples, int(label)),
            precision=float(found_precision),
            recall=float(found_recall),
            f1=float(found_f1),
            support=int(of_class),
        )
        for label, found_precision, found_recall, found_f1, of_class in rows
    )


def _classes(output: str, answers: Array) -> tuple[Whole, int | None]:
    """Return the class of each answer, and of how many; None where answers are classes already."""
    widths = [size for size in answers.shape[1:] if size != 1]
    if len(widths) > 1:
        raise ScoreError(
            f"output {output!r}: expected logits [samples, classes], got {list(answers.shape)}. "
            "Name the output to score under the data set's `output`."
        )
    rows = answers.reshape(len(answers), -1)
    if rows.shape[1] > 1:
        return rows.argmax(axis=1).astype(np.int64), rows.shape[1]
    column = rows[:, 0]
    if _is_float(column):
        return (column > 0).astype(np.int64), 2
    return column.astype(np.int64), None


def _sequences(samples: Samples, labels: Whole, answers: Array) -> dict[str, float]:
    steps, count = _steps(samples.output, answers)
    rows = labels.reshape(len(labels), -1)
    _require_known(samples, rows[rows != PADDING], count)
    expected = [row[row != PADDING] for row in rows]
    longest = max(row.size for row in expected)
    if longest == 0:
        raise ScoreError(
            f"data set {samples.name!r}: expected labels with symbols, got padding only. "
            "Give the labels that belong to the samples."
        )
    if steps.shape[1] < longest:
        raise ScoreError(
            f"output {samples.output!r}: expected a step for each of {longest} symbols, "
            f"got {steps.shape[1]}. Run the case with a longer sequence."
        )
    asked = [got[: row.size] for row, got in zip(expected, steps, strict=True)]
    return sequence_metrics(expected, asked)


def _steps(output: str, answers: Array) -> tuple[Whole, int | None]:
    """Return the symbol of each step, and of how many; None where answers are symbols already."""
    if answers.ndim == 2 and not _is_float(answers):
        return answers.astype(np.int64), None
    if answers.ndim == 3:
        return answers.argmax(axis=2).astype(np.int64), answers.shape[2]
    raise ScoreError(
        f"output {output!r}: expected logits [samples, steps, symbols], "
        f"got {list(answers.shape)}. Name the output to score under the data set's `output`."
    )


def _require_known(samples: Samples, labels: Whole, count: int | None) -> None:
    lowest, highest = int(np.min(labels, initial=0)), int(np.max(labels, initial=0))
    if lowest < 0 or (count is not None and highest >= count):
        most = "" if count is None else f" to {count - 1}, as output {samples.output!r} has them,"
        raise ScoreError(
            f"data set {samples.name!r}: expected labels from 0{most or ' on,'} "
            f"got {lowest if lowest < 0 else highest}. "
            "Number the labels as the model does, or name another output."
        )


def _label(samples: Samples, label: int) -> str:
    return samples.classes[label] if label < len(samples.classes) else str(label)


def _is_float(array: Array) -> bool:
    return array.dtype.name.startswith(("float", "bfloat"))
