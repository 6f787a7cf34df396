"""Recurrent classifiers: simple RNN, LSTM and GRU, which read a sequence and score its end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.models.layers import dense, recurrent
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto


def _signature(params: Mapping[str, int], *, sequence: int) -> Signature:
    rows = TensorSpec(name="rows", dtype="float32", dims=("batch", "sequence", params["features"]))
    logits = TensorSpec(name="logits", dtype="float32", dims=("batch", params["classes"]))
    return Signature(inputs=(rows,), outputs=(logits,), defaults=(("sequence", sequence),))


def _build(params: Mapping[str, int], *, name: str, op: str, sequence: int) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder(name)
    hidden, size = params["hidden"], params["features"]
    x = graph.node("Transpose", ("rows",), name="time_first", perm=(1, 0, 2))
    last = ""
    for i in range(params["layers"]):
        if i > 0:
            direction_axis = graph.integers(f"layer{i}.input.axis", (1,))
            x = graph.node("Squeeze", (x, direction_axis), name=f"layer{i}.input")
        x, last = recurrent(graph, x, (size, hidden), name=f"layer{i}", op=op)
        size = hidden
    direction_axis = graph.integers("last_state.axis", (0,))
    state = graph.node("Squeeze", (last, direction_axis), name="last_state")
    dense(graph, state, (hidden, params["classes"]), name="head", output="logits")
    return graph.model(_signature(params, sequence=sequence))


def _builtin(
    name: str, summary: str, op: str, sizes: tuple[int, int, int], *, sequence: int = 32
) -> Builtin:
    hidden, layers, features = sizes
    return Builtin(
        name=name,
        summary=summary,
        family="recurrent",
        parameters=(
            Parameter(name="hidden", default=hidden, help="the width of a layer's state"),
            Parameter(name="layers", default=layers, help="the number of layers"),
            Parameter(name="features", default=features, help="the length of one row"),
            Parameter(name="classes", default=10, help="the number of logits"),
        ),
        signature=partial(_signature, sequence=sequence),
        build=partial(_build, name=name, op=op, sequence=sequence),
    )


BUILTINS = (
    _builtin("rnn", "simple (Elman) RNN with a classifier on its last state", "RNN", (256, 1, 64)),
    _builtin("lstm", "LSTM with a classifier on its last state", "LSTM", (256, 1, 64)),
    _builtin("gru", "GRU with a classifier on its last state", "GRU", (256, 1, 64)),
    _builtin(
        "stacked-lstm",
        "128-128-10 LSTM that reads a 28×28 image row by row",
        "LSTM",
        (128, 2, 28),
        sequence=28,
    ),
)
