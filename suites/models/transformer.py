"""A transformer encoder that tags every token: pre-norm attention and feed-forward layers.

As in Vaswani et al. 2017 (arXiv:1706.03762) with the norms of Xiong et al. 2020 (arXiv:2002.04745).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TYPE_CHECKING

from suites.errors import SuiteError
from suites.models.builtin import Builtin, Parameter
from suites.models.layers import projection
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto

    from suites.models.graph import GraphBuilder

_HIDDEN = -1e4
"""Added to a masked key's score: finite in float16, and for a wholly masked row too."""


def _signature(params: Mapping[str, int]) -> Signature:
    width, heads = params["width"], params["heads"]
    if width % heads:
        raise SuiteError(
            f"expected heads that divide the width {width}, got {heads}. "
            "Give a width that is a multiple of heads."
        )
    tokens = ("batch", "sequence")
    return Signature(
        inputs=(
            TensorSpec(name="ids", dtype="int64", dims=tokens, bound=params["vocabulary"]),
            TensorSpec(name="mask", dtype="bool", dims=tokens),
        ),
        outputs=(TensorSpec(name="logits", dtype="float32", dims=(*tokens, params["classes"])),),
        defaults=(("sequence", 32),),
    )


def _build(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("transformer")
    width = params["width"]
    x = _embedding(graph, params)
    bias = _mask_bias(graph)
    graph.integers("split_heads.shape", (0, 0, params["heads"], width // params["heads"]))
    graph.integers("join_heads.shape", (0, 0, width))
    graph.scalar("attention.scale", 1 / sqrt(width // params["heads"]))
    for i in range(params["layers"]):
        y = _norm(graph, x, width, name=f"layer{i}.attention.norm")
        y = _attention(graph, y, bias, width, name=f"layer{i}.attention")
        x = graph.node("Add", (x, y), name=f"layer{i}.attention.sum")
        y = _norm(graph, x, width, name=f"layer{i}.feedforward.norm")
        y = _feedforward(graph, y, (width, params["feedforward"]), name=f"layer{i}.feedforward")
        x = graph.node("Add", (x, y), name=f"layer{i}.feedforward.sum")
    x = _norm(graph, x, width, name="norm")
    projection(graph, x, (width, params["classes"]), name="head", output="logits")
    return graph.model(_signature(params))


def _embedding(graph: GraphBuilder, params: Mapping[str, int]) -> str:
    """Add the sum of a token's and its position's embedding, [batch, sequence, width]."""
    width = params["width"]
    table = graph.weight("embedding.table", (params["vocabulary"], width), limit=1.0)
    words = graph.node("Gather", (table, "ids"), name="embedding", axis=0)
    positions = graph.weight("positions.table", (params["positions"], width), limit=0.5)
    length = graph.node("Shape", ("ids",), name="sequence", start=1, end=2)
    first = graph.integers("positions.first", (0,))
    rows = graph.node("Slice", (positions, first, length, first), name="positions")
    return graph.node("Add", (words, rows), name="embedding.sum")


def _mask_bias(graph: GraphBuilder) -> str:
    """Add what goes on top of the scores, [batch, 1, 1, sequence]."""
    axes = graph.integers("mask.axes", (1, 2))
    mask = graph.node("Unsqueeze", ("mask", axes), name="mask.keys")
    shown, hidden = graph.scalar("mask.shown", 0.0), graph.scalar("mask.hidden", _HIDDEN)
    return graph.node("Where", (mask, shown, hidden), name="mask.bias")


def _norm(graph: GraphBuilder, x: str, width: int, *, name: str) -> str:
    scale = graph.ones(f"{name}.scale", (width,))
    bias = graph.weight(f"{name}.bias", (width,), limit=0.05)
    return graph.node("LayerNormalization", (x, scale, bias), name=name, axis=-1, epsilon=1e-5)


def _attention(graph: GraphBuilder, x: str, bias: str, width: int, *, name: str) -> str:
    query = _heads(graph, x, width, name=f"{name}.query", perm=(0, 2, 1, 3))
    query = graph.node("Mul", (query, "attention.scale"), name=f"{name}.query.scaled")
    key = _heads(graph, x, width, name=f"{name}.key", perm=(0, 2, 3, 1))
    value = _heads(graph, x, width, name=f"{name}.value", perm=(0, 2, 1, 3))
    scores = graph.node("MatMul", (query, key), name=f"{name}.scores")
    masked = graph.node("Add", (scores, bias), name=f"{name}.masked")
    weights = graph.node("Softmax", (masked,), name=f"{name}.softmax", axis=-1)
    mixed = graph.node("MatMul", (weights, value), name=f"{name}.mixed")
    back = graph.node("Transpose", (mixed,), name=f"{name}.token_first", perm=(0, 2, 1, 3))
    joined = graph.node("Reshape", (back, "join_heads.shape"), name=f"{name}.joined")
    return projection(graph, joined, (width, width), name=f"{name}.out")


def _heads(
    graph: GraphBuilder, x: str, width: int, *, name: str, perm: tuple[int, int, int, int]
) -> str:
    """Add [batch, sequence, width] → [batch, sequence, head, part], permuted by `perm`."""
    y = projection(graph, x, (width, width), name=name)
    y = graph.node("Reshape", (y, "split_heads.shape"), name=f"{name}.split")
    return graph.node("Transpose", (y,), name=f"{name}.heads", perm=perm)


def _feedforward(graph: GraphBuilder, x: str, sizes: tuple[int, int], *, name: str) -> str:
    y = projection(graph, x, sizes, name=f"{name}.up")
    y = graph.node("Gelu", (y,), name=f"{name}.gelu", approximate="none")
    return projection(graph, y, (sizes[1], sizes[0]), name=f"{name}.down")


BUILTINS = (
    Builtin(
        name="transformer",
        summary="transformer encoder that tags every token",
        family="transformer",
        parameters=(
            Parameter(name="layers", default=4, help="the number of layers"),
            Parameter(name="width", default=256, help="the length of a token's vector"),
            Parameter(name="heads", default=4, help="the attention heads, which divide the width"),
            Parameter(name="feedforward", default=1024, help="the width between two projections"),
            Parameter(name="vocabulary", default=4096, help="the number of tokens"),
            Parameter(name="positions", default=1024, help="the longest sequence"),
            Parameter(name="classes", default=8, help="the number of logits of a token"),
        ),
        signature=_signature,
        build=_build,
    ),
)
