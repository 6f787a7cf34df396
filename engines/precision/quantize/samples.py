"""Whether calibration samples are what a model takes, before any of them is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper

from engines.contract import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, ValueInfoProto

    from engines.precision.recipe import Sample

_REMEDY = "Give samples of the model's inputs; see `dataset` and `inputs` of the suite."


def check_samples(model: ModelProto, samples: Sequence[Sample], recipe: str) -> None:
    """Raise EngineError that names the sample and the input for the first one that is wrong."""
    if not samples:
        raise _wrong(f"{recipe}: expected calibration samples, got none")
    initializers = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initializers]
    for number, sample in enumerate(samples):
        for value in inputs:
            _check_value(value, sample, f"{recipe}: calibration sample {number}")


def _check_value(value: ValueInfoProto, sample: Sample, where: str) -> None:
    if value.name not in sample:
        given = ", ".join(repr(name) for name in sample) or "nothing"
        raise _wrong(f"{where}: expected input {value.name!r}, got {given}")
    found, place = sample[value.name], f"{where}: input {value.name!r}"
    if not value.type.HasField("tensor_type"):
        raise _wrong(f"{place}: expected a tensor, got {value.type.WhichOneof('value')}")
    tensor = value.type.tensor_type
    wanted = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if found.dtype != wanted:
        raise _wrong(f"{place}: expected {wanted}, got {found.dtype}")
    if tensor.HasField("shape") and not _fits(found.shape, value):
        raise _wrong(f"{place}: expected shape {_spell(value)}, got {list(found.shape)}")
    _require_finite(found, place)


def _fits(shape: tuple[int, ...], value: ValueInfoProto) -> bool:
    dims = value.type.tensor_type.shape.dim
    return len(shape) == len(dims) and all(
        dim.dim_value == size for dim, size in zip(dims, shape, strict=True) if dim.dim_value > 0
    )


def _spell(value: ValueInfoProto) -> str:
    dims = value.type.tensor_type.shape.dim
    spelt = (dim.dim_param or (str(dim.dim_value) if dim.dim_value > 0 else "?") for dim in dims)
    return f"[{', '.join(spelt)}]"


def _require_finite(found: NDArray[np.generic], place: str) -> None:
    if found.dtype.kind != "f":
        return
    bad = int(np.count_nonzero(~np.isfinite(found)))
    if bad:
        raise _wrong(f"{place}: expected finite values, got {bad} that are NaN or Inf")


def _wrong(message: str) -> EngineError:
    return EngineError("invalid-model", message, _REMEDY)
