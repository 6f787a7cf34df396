"""Samples of a data set as a value, and the division into those that calibrate and those scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING = -1
"""What fills the labels of a sequence that is shorter than the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Samples for the inputs of one model.

    `inputs` has an array of the input's type for each input that the data set feeds, the samples on
    axis 0 and the input's other dimensions after it; the model's batch may be another axis. Inputs
    that are missing here take the suite's values. `labels` [samples], of sequences
    [samples, longest] and ended by PADDING, are int64; None where the data only calibrates. `task`
    is one of `suites.suite.TASKS`, "" without labels; `output` the output that is scored. `classes`
    has the name of each label where the data set knows them. The first `training` samples are those
    that the data set keeps for training; 0 where it does not say.
    """

    name: str
    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None
    task: str
    output: str
    classes: tuple[str, ...] = ()
    training: int = 0

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(next(iter(self.inputs.values())))

    def take(self, chosen: NDArray[np.int64]) -> Samples:
        """Return the samples at these places, in their order; none of them is for training."""
        inputs = {name: values[chosen] for name, values in self.inputs.items()}
        labels = None if self.labels is None else self.labels[chosen]
        return replace(self, inputs=inputs, labels=labels, training=0)


def split(samples: Samples, calibration_samples: int) -> tuple[Samples, Samples]:
    """Return the samples that calibrate and those that are scored; no sample is in both.

    Of a data set that keeps samples for training, only those calibrate, and only the others are
    scored. Of any other, at most half calibrate. Those that calibrate are evenly spaced.
    """
    count = len(samples)
    pool = samples.training or count
    most = pool if samples.training else count // 2
    chosen = _spaced(pool, min(calibration_samples, most))
    scored = np.arange(samples.training, count)
    return samples.take(chosen), samples.take(np.setdiff1d(scored, chosen))


def _spaced(pool: int, count: int) -> NDArray[np.int64]:
    """Return `count` of the numbers below `pool`, each in the middle of an equal share of them."""
    return (np.arange(count, dtype=np.int64) * 2 + 1) * pool // (2 * count)
