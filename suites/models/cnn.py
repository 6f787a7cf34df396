"""A residual image classifier: three stages, each of half the side and twice the channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.models.layers import conv, dense
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto

    from suites.models.graph import GraphBuilder

_STAGES = 3


def _signature(params: Mapping[str, int]) -> Signature:
    side = params["image"]
    image = TensorSpec(name="image", dtype="float32", dims=("batch", 3, side, side))
    logits = TensorSpec(name="logits", dtype="float32", dims=("batch", params["classes"]))
    return Signature(inputs=(image,), outputs=(logits,))


def _build(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("cnn")
    size = params["width"]
    x = conv(graph, "image", (3, size), name="stem", stride=2)
    x = graph.node("Relu", (x,), name="stem.relu")
    for stage in range(_STAGES):
        for block in range(params["blocks"]):
            shrinks = stage > 0 and block == 0
            channels = (size, 2 * size if shrinks else size)
            x = _block(graph, x, channels, name=f"stage{stage}.block{block}")
            size = channels[1]
    pooled = graph.node("GlobalAveragePool", (x,), name="pool")
    flat = graph.node("Flatten", (pooled,), name="flat", axis=1)
    dense(graph, flat, (size, params["classes"]), name="head", output="logits")
    return graph.model(_signature(params))


def _block(graph: GraphBuilder, x: str, channels: tuple[int, int], *, name: str) -> str:
    """Add two convolutions beside a shortcut; where the channels double, the side is halved."""
    inputs, outputs = channels
    stride = outputs // inputs
    y = conv(graph, x, channels, name=f"{name}.conv0", stride=stride)
    y = graph.node("Relu", (y,), name=f"{name}.relu0")
    y = conv(graph, y, (outputs, outputs), name=f"{name}.conv1", gain=0.5)
    if stride > 1:
        x = conv(graph, x, channels, name=f"{name}.shortcut", kernel=1, stride=stride, gain=1.0)
    total = graph.node("Add", (x, y), name=f"{name}.sum")
    return graph.node("Relu", (total,), name=f"{name}.relu1")


BUILTINS = (
    Builtin(
        name="cnn",
        summary="residual CNN that classifies an image",
        family="cnn",
        parameters=(
            Parameter(name="image", default=64, minimum=8, help="the side of the image in pixels"),
            Parameter(name="width", default=32, help="the channels of the first stage"),
            Parameter(name="blocks", default=2, help="the residual blocks of a stage"),
            Parameter(name="classes", default=10, help="the number of logits"),
        ),
        signature=_signature,
        build=_build,
    ),
)
