"""Samples of a data set as the inputs of one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.datasets.samples import Samples
    from suites.signature import TensorSpec

    Specs = Mapping[str, TensorSpec]


def batch_axis(spec: TensorSpec) -> int:
    """Return which axis of an input has the samples of a batch; the first where none is named."""
    return spec.dims.index("batch") if "batch" in spec.dims else 0


def batch_of(samples: Samples, places: Sequence[int], specs: Specs) -> dict[str, NDArray[Any]]:
    """Return the samples at these places as one batch, for each input that the data set feeds.

    `specs` has the model's inputs by name, the suite's `dims` applied.
    """
    return {
        name: np.ascontiguousarray(np.moveaxis(values[list(places)], 0, batch_axis(specs[name])))
        for name, values in samples.inputs.items()
    }


def data_sizes(samples: Samples, specs: Specs) -> dict[str, int]:
    """Return the size that the data gives each named dimension of the inputs it feeds."""
    sizes: dict[str, int] = {}
    for name, values in samples.inputs.items():
        axis = batch_axis(specs[name])
        dims = [dim for k, dim in enumerate(specs[name].dims) if k != axis]
        pairs = zip(dims, values.shape[1:], strict=True)
        sizes |= {dim: size for dim, size in pairs if isinstance(dim, str)}
    return sizes
