"""A data set as the queries of a case, and their answers put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.accuracy.scores import ScoreError
from suites.datasets.feeding import batch_axis, batch_of
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from suites.datasets.samples import Samples
    from suites.signature import Signature, TensorSpec

    Array = NDArray[Any]
    Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """The samples in queries of the shapes that `inputs`, those of the case, have.

    Inputs that the data set does not feed keep the case's values. `signature` is the model's with
    the suite's `dims`.
    """

    samples: Samples
    signature: Signature
    inputs: Arrays

    def answers(self, infer: Callable[[Arrays], Arrays]) -> Array:
        """Return the scored output of every sample, samples first.

        `infer` takes the inputs of a query and returns its outputs. The last query is filled up
        with the last sample. Raises ScoreError where samples or outputs do not fit, and what
        `infer` raises.
        """
        self.first()
        count, size = len(self.samples), self._size
        found: list[Array] = []
        for start in range(0, count, size):
            outputs = infer(self._query(start))
            found.append(self._samples_first(outputs)[: count - start])
        return np.concatenate(found)

    def first(self) -> Arrays:
        """Return the first query. Raises ScoreError where the samples do not fit the case."""
        query = self._query(0)
        for name, array in query.items():
            if array.shape != self.inputs[name].shape:
                raise ScoreError(
                    f"data set {self.samples.name!r}: expected queries of "
                    f"{list(self.inputs[name].shape)} for input {name!r}, as the case has them, "
                    f"got {list(array.shape)}. Give the case the sizes of the data."
                )
        return query

    @property
    def _size(self) -> int:
        """Return how many samples a query has."""
        name = next(iter(self.samples.inputs))
        return int(self.inputs[name].shape[batch_axis(self._specs[name])])

    @property
    def _specs(self) -> dict[str, TensorSpec]:
        return {spec.name: spec for spec in self.signature.inputs}

    def _query(self, start: int) -> Arrays:
        last = len(self.samples) - 1
        places = [min(place, last) for place in range(start, start + self._size)]
        return {**self.inputs, **batch_of(self.samples, places, self._specs)}

    def _samples_first(self, outputs: Arrays) -> Array:
        name = self.samples.output
        if name not in outputs:
            raise ScoreError(
                f"data set {self.samples.name!r}: expected an output {name!r} to score, "
                f"got {sorted(outputs)}.{did_you_mean(name, outputs)}"
            )
        dims = next((spec.dims for spec in self.signature.outputs if spec.name == name), ())
        array: Array = outputs[name]
        axis = dims.index("batch") if "batch" in dims else 0
        if array.ndim <= axis or array.shape[axis] != self._size:
            raise ScoreError(
                f"output {name!r}: expected {self._size} samples along axis {axis}, "
                f"got shape {list(array.shape)}. Name the output to score under the data set's "
                "`output`."
            )
        return np.moveaxis(array, axis, 0)
