"""A multi-layer perceptron: matrix products and ReLUs, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.models.layers import BEFORE_RELU, dense
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto


def _signature(params: Mapping[str, int]) -> Signature:
    features = TensorSpec(name="features", dtype="float32", dims=("batch", params["features"]))
    logits = TensorSpec(name="logits", dtype="float32", dims=("batch", params["classes"]))
    return Signature(inputs=(features,), outputs=(logits,))


def _build(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("mlp")
    x, size, hidden = "features", params["features"], params["hidden"]
    for i in range(params["layers"]):
        x = dense(graph, x, (size, hidden), name=f"layer{i}", gain=BEFORE_RELU)
        x = graph.node("Relu", (x,), name=f"layer{i}.relu")
        size = hidden
    dense(graph, x, (size, params["classes"]), name="head", output="logits")
    return graph.model(_signature(params))


BUILTINS = (
    Builtin(
        name="mlp",
        summary="multi-layer perceptron on the pixels of a 28×28 image",
        family="mlp",
        parameters=(
            Parameter(name="features", default=784, help="the length of the input"),
            Parameter(name="hidden", default=512, help="the width of a hidden layer"),
            Parameter(name="layers", default=3, help="the number of hidden layers"),
            Parameter(name="classes", default=10, help="the number of logits"),
        ),
        signature=_signature,
        build=_build,
    ),
)
