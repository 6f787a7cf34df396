"""The numpy types that inputs have, those of ml_dtypes among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from suites.errors import SuiteError

if TYPE_CHECKING:
    DType = np.dtype[Any]


def find_dtype(name: str, place: str) -> DType:
    """Return the type of that name. Raises SuiteError where no values can be made of it."""
    dtype = np.dtype(getattr(ml_dtypes, name, name))
    if not (dtype.kind == "b" or is_float(dtype) or is_integer(dtype)):
        raise SuiteError(
            f"{place}: expected an input of numbers or booleans, got one of {name}. "
            "dyno cannot make such values."
        )
    return dtype


def is_float(dtype: DType) -> bool:
    """Return whether it is a floating-point type; numpy itself calls bfloat16 and others void."""
    return dtype.name.startswith(("float", "bfloat"))


def is_integer(dtype: DType) -> bool:
    """Return whether it is a type of whole numbers, 4-bit ones included."""
    return dtype.name.startswith(("int", "uint"))


def limits(dtype: DType) -> tuple[float, float]:
    """Return the lowest and the highest finite value; whole numbers as int."""
    if dtype.kind == "b":
        return 0, 1
    if is_integer(dtype):
        whole = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call]
        return int(whole.min), int(whole.max)
    real = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return float(real.min), float(real.max)
