"""Whether the labels of a data set are what its task and the scored output ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.datasets.fitting import refuse
from suites.datasets.samples import PADDING
from suites.errors import SuiteError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.signature import Signature, TensorSpec

AXES = {"classification": ("samples",), "sequence": ("samples", "longest")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """What the labels are for: a task, an output, and how many samples there are."""

    task: str
    output: TensorSpec
    samples: int


def scored_output(signature: Signature, name: str | None, place: str) -> TensorSpec:
    """Return the output of that name, or the first. Raises SuiteError for an unknown one."""
    outputs = {spec.name: spec for spec in signature.outputs}
    if name is None:
        return signature.outputs[0]
    if name not in outputs:
        known = ", ".join(map(repr, outputs))
        hint = did_you_mean(name, outputs)
        raise SuiteError(
            f"{place}.output: expected one of the model's outputs {known}, got {name!r}.{hint}"
        )
    return outputs[name]


def check_labels(
    labels: NDArray[Any], labelling: Labelling, *, place: str, source: str
) -> NDArray[np.int64]:
    """Return the labels as int64. `source` is what messages call them. Raises SuiteError."""
    _check_form(labels, labelling, place=place, source=source)
    whole = labels.astype(np.int64)
    lowest, rest = 0, ""
    if labelling.task == "sequence":
        lowest, rest = PADDING, f", or {PADDING} after the end of a sequence"
        resumed = (whole[:, :-1] == PADDING) & (whole[:, 1:] != PADDING)
        ended = f"{PADDING} only after the end of a sequence"
        refuse(whole[:, :-1], resumed, ended, place=place, source=source)
    count = class_count(labelling.output, labelling.task)
    name = labelling.output.name
    expected = "labels from 0" if count is None else f"labels from 0 to {count - 1} for {name!r}"
    wrong = (whole < lowest) | (whole >= (np.iinfo(np.int64).max if count is None else count))
    refuse(whole, wrong, f"{expected}{rest}", place=place, source=source)
    return whole


def class_count(output: TensorSpec, task: str) -> int | None:
    """Return how many classes the output tells apart, None where its file does not say.

    One column tells two: above zero, and not. Whole numbers, and outputs with no axis beyond those
    of the labels, are classes already.
    """
    tells = output.dtype.startswith(("float", "bfloat")) and len(output.dims) > len(AXES[task])
    last = output.dims[-1] if tells else None
    return max(last, 2) if isinstance(last, int) else None


def _check_form(labels: NDArray[Any], labelling: Labelling, *, place: str, source: str) -> None:
    axes = AXES[labelling.task]
    if labels.dtype.kind not in "iu":
        raise SuiteError(
            f"{place}: expected whole numbers, got {labels.dtype.name} in {source}. "
            "Save them as int64."
        )
    if labels.ndim != len(axes):
        raise SuiteError(
            f"{place}: expected shape [{', '.join(axes)}] for a {labelling.task}, "
            f"got {list(labels.shape)} in {source}. Save them in that shape."
        )
    if len(labels) != labelling.samples:
        raise SuiteError(
            f"{place}: expected labels of {labelling.samples} samples, as the inputs have, "
            f"got {len(labels)} in {source}. Save as many."
        )
