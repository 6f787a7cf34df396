"""A single-shot detector: a separable backbone and heads at three scales, no suppression of boxes.

Separable convolutions as in MobileNet (arXiv:1704.04861), heads as in SSD (arXiv:1512.02325).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.models.layers import conv
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto

    from suites.models.graph import GraphBuilder

_HEAD_STAGES = (3, 4, 5)
"""Stages halve the side, the stem being the first: heads sit at 1/8, 1/16 and 1/32."""


def _signature(params: Mapping[str, int]) -> Signature:
    side = params["image"]
    boxes = params["anchors"] * sum((-(-side // 2**stage)) ** 2 for stage in _HEAD_STAGES)
    image = TensorSpec(name="image", dtype="float32", dims=("batch", 3, side, side))
    return Signature(
        inputs=(image,),
        outputs=(
            TensorSpec(name="logits", dtype="float32", dims=("batch", boxes, params["classes"])),
            TensorSpec(name="boxes", dtype="float32", dims=("batch", boxes, 4)),
        ),
    )


def _build(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("detector")
    size, anchors = params["width"], params["anchors"]
    x = conv(graph, "image", (3, size), name="stem", stride=2)
    x = graph.node("Relu", (x,), name="stem.relu")
    logits, boxes = [], []
    for stage in range(2, max(_HEAD_STAGES) + 1):
        x = _separable(graph, x, (size, 2 * size), name=f"stage{stage}", stride=2)
        size *= 2
        x = _separable(graph, x, (size, size), name=f"stage{stage}.refine", stride=1)
        if stage in _HEAD_STAGES:
            name = f"head{stage}"
            each = (anchors, params["classes"])
            logits.append(_head(graph, x, size, each, name=f"{name}.logits"))
            boxes.append(_head(graph, x, size, (anchors, 4), name=f"{name}.boxes"))
    graph.node("Concat", logits, name="all_logits", output="logits", axis=1)
    graph.node("Concat", boxes, name="all_boxes", output="boxes", axis=1)
    return graph.model(_signature(params))


def _separable(
    graph: GraphBuilder, x: str, channels: tuple[int, int], *, name: str, stride: int
) -> str:
    size = channels[0]
    x = conv(graph, x, (size, size), name=f"{name}.depthwise", stride=stride, group=size)
    x = graph.node("Relu", (x,), name=f"{name}.depthwise.relu")
    x = conv(graph, x, channels, name=f"{name}.pointwise", kernel=1)
    return graph.node("Relu", (x,), name=f"{name}.pointwise.relu")


def _head(graph: GraphBuilder, x: str, size: int, each: tuple[int, int], *, name: str) -> str:
    """Add [batch, size, y, x] → [batch, y · x · anchors, values], `each` = (anchors, values)."""
    anchors, values = each
    maps = conv(graph, x, (size, anchors * values), name=f"{name}.conv", gain=1.0)
    last = graph.node("Transpose", (maps,), name=f"{name}.channel_last", perm=(0, 2, 3, 1))
    shape = graph.integers(f"{name}.shape", (0, -1, values))
    return graph.node("Reshape", (last, shape), name=name)


BUILTINS = (
    Builtin(
        name="detector",
        summary="single-shot detector: class logits and boxes at three scales",
        family="detector",
        parameters=(
            Parameter(
                name="image", default=160, minimum=32, help="the side of the image in pixels"
            ),
            Parameter(name="width", default=16, help="the channels of the stem"),
            Parameter(name="anchors", default=4, help="the boxes at each place"),
            Parameter(name="classes", default=20, help="the number of logits of a box"),
        ),
        signature=_signature,
        build=_build,
    ),
)
