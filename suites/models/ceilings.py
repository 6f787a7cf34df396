"""Models that are there to find a machine's limits, through the same backends as all others.

One does almost nothing but multiply and add, the other almost nothing but read and write. Their
default sizes are for a thread of a CPU: a weight of 1 MiB stays in its level-2 cache, and twice
64 MiB in none. A GPU takes greater ones to fill (`suites/library/precision-gpu.yaml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto

FAMILY = "ceiling"
_CEILINGS = {"matmul-peak": "compute", "copy-peak": "memory"}


def ceiling(name: str) -> str:
    """Return what a built-in model finds the limit of, `compute` or `memory`; "" for others."""
    return _CEILINGS.get(name, "")


def _matmul_signature(params: Mapping[str, int]) -> Signature:
    dims = ("batch", params["rows"], params["size"])
    rows = TensorSpec(name="rows", dtype="float32", dims=dims)
    return Signature(
        inputs=(rows,), outputs=(TensorSpec(name="product", dtype="float32", dims=dims),)
    )


def _build_matmul(params: Mapping[str, int]) -> ModelProto:
    """Return one product with a square weight that keeps the variance of its rows.

    Sums of `size` products of unit variance would leave the range of float16 only from some 10⁹ on;
    with this weight their sum has unit variance at every size.
    """
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("matmul-peak")
    size = params["size"]
    weight = graph.weight("weight", (size, size), limit=sqrt(3 / size))
    graph.node("MatMul", ("rows", weight), name="multiply", output="product")
    return graph.model(_matmul_signature(params))


def _copy_signature(params: Mapping[str, int]) -> Signature:
    dims = ("batch", params["elements"])
    values = TensorSpec(name="values", dtype="float32", dims=dims)
    return Signature(
        inputs=(values,), outputs=(TensorSpec(name="negated", dtype="float32", dims=dims),)
    )


def _build_copy(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("copy-peak")
    graph.node("Neg", ("values",), name="negate", output="negated")
    return graph.model(_copy_signature(params))


BUILTINS = (
    Builtin(
        name="matmul-peak",
        summary="one large matrix product: the most operations a second",
        family=FAMILY,
        parameters=(
            Parameter(name="size", default=512, help="the side of the square weight"),
            Parameter(name="rows", default=512, help="the rows of one sample"),
        ),
        signature=_matmul_signature,
        build=_build_matmul,
    ),
    Builtin(
        name="copy-peak",
        summary="one long stream of negations: the most bytes a second",
        family=FAMILY,
        parameters=(Parameter(name="elements", default=1 << 24, help="the numbers of one sample"),),
        signature=_copy_signature,
        build=_build_copy,
    ),
)
