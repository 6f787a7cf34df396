"""The inputs and outputs of a model: names, types and dimensions, none with a value yet."""

from __future__ import annotations

from dataclasses import dataclass

Dim = int | str | None
"""A fixed size, an expression over named dimensions (`sequence`, `2*sequence`), or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output.

    `dtype` is a numpy type name (`float32`, `int64`, `bool`, …; `bfloat16` and the float8 types by
    their ml_dtypes names). `bound` is the exclusive upper bound of an integer input where the graph
    implies one: the length of the axis that a Gather indexes with it.
    """

    name: str
    dtype: str
    dims: tuple[Dim, ...]
    bound: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a model takes and gives, in the order of its file.

    `defaults` are the sizes a named dimension has when neither the matrix nor the suite's defaults
    say otherwise (built-in models bring some; files none).
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    defaults: tuple[tuple[str, int], ...] = ()
