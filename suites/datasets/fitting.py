"""Whether the values of a data set are what the inputs of a model take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from suites.datasets.feeding import batch_axis
from suites.dtypes import find_dtype, is_float, is_integer
from suites.errors import SuiteError
from suites.expressions import evaluate
from suites.shapes import names_in, spell_dims

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.signature import Dim, TensorSpec


def fit(values: NDArray[Any], spec: TensorSpec, *, place: str, source: str) -> NDArray[Any]:
    """Return values [samples, …] in the type of the input.

    `source` is what messages call the values. Raises SuiteError for another shape, a type that does
    not convert without loss, values that are not finite, and indices beyond what they index.
    """
    _check_shape(values, spec, place=place, source=source)
    wanted = find_dtype(spec.dtype, place)
    if wanted.kind == values.dtype.kind == "V" and wanted.itemsize == values.dtype.itemsize:
        values = values.view(wanted)  # numpy saves the types of ml_dtypes as bytes of their size
    if not np.can_cast(values.dtype, wanted, "safe"):
        raise SuiteError(
            f"{place}: expected {wanted.name} or a type that converts to it without loss, "
            f"got {values.dtype.name} in {source}. Save it as {wanted.name}."
        )
    fitted = values.astype(wanted, copy=False)
    if is_float(wanted):
        refuse(fitted, ~np.isfinite(fitted), "finite values", place=place, source=source)
    elif is_integer(wanted) and spec.bound is not None:
        outside = (fitted < -spec.bound) | (fitted >= spec.bound)
        legal = f"values from {-spec.bound} to {spec.bound - 1}, which index {spec.bound} entries"
        refuse(fitted, outside, legal, place=place, source=source)
    return fitted


def refuse(
    values: NDArray[Any], wrong: NDArray[np.bool_], expected: str, *, place: str, source: str
) -> None:
    """Raise SuiteError for the first sample with a value that is marked wrong, if there is one."""
    if not wrong.any():
        return
    where = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    raise SuiteError(
        f"{place}: expected {expected}, got {values[where]} in sample {where[0]} of {source}. "
        "Replace it, or leave the sample out."
    )


def check_sizes(
    inputs: Mapping[str, NDArray[Any]], specs: Mapping[str, TensorSpec], place: str
) -> None:
    """Raise SuiteError where the inputs disagree about the size of a named dimension."""
    found = [
        (name, dim, size)
        for name, values in inputs.items()
        for dim, size in zip(_sample_dims(specs[name]), values.shape[1:], strict=True)
        if isinstance(dim, str)
    ]
    plain = {dim: size for _, dim, size in reversed(found) if names_in(dim) == (dim,)}
    for name, dim, size in found:
        known = set(names_in(dim)) <= plain.keys()
        if known and (wanted := evaluate(dim, plain)) != size:
            raise SuiteError(
                f"{place}.inputs: expected {wanted} as dimension '{dim}' of {name!r}, "
                f"got {size}. Save arrays that agree."
            )


def _sample_dims(spec: TensorSpec) -> tuple[Dim, ...]:
    axis = batch_axis(spec)
    return (*spec.dims[:axis], *spec.dims[axis + 1 :])


def _check_shape(values: NDArray[Any], spec: TensorSpec, *, place: str, source: str) -> None:
    dims = _sample_dims(spec)
    shape = values.shape[1:]
    fixed = zip(dims, shape, strict=False)
    if values.ndim != 1 + len(dims) or any(
        isinstance(dim, int) and dim != size for dim, size in fixed
    ):
        wanted = spell_dims(type(spec)(name=spec.name, dtype=spec.dtype, dims=("samples", *dims)))
        raise SuiteError(
            f"{place}: expected shape {wanted}, got {list(values.shape)} in {source}. "
            "Save it in that shape."
        )
