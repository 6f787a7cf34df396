"""A text classifier: word embedding, bidirectional LSTM, and a head on both last states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from suites.models.builtin import Builtin, Parameter
from suites.models.layers import dense, recurrent
from suites.signature import Signature, TensorSpec

if TYPE_CHECKING:
    from onnx import ModelProto


def _signature(params: Mapping[str, int]) -> Signature:
    ids = TensorSpec(
        name="ids", dtype="int64", dims=("batch", "sequence"), bound=params["vocabulary"]
    )
    logits = TensorSpec(name="logits", dtype="float32", dims=("batch", params["classes"]))
    return Signature(inputs=(ids,), outputs=(logits,), defaults=(("sequence", 64),))


def _build(params: Mapping[str, int]) -> ModelProto:
    from suites.models.graph import GraphBuilder

    graph = GraphBuilder("bilstm-text")
    width, hidden = params["width"], params["hidden"]
    table = graph.weight("embedding.table", (params["vocabulary"], width), limit=1.0)
    words = graph.node("Gather", (table, "ids"), name="embedding", axis=0)
    x = graph.node("Transpose", (words,), name="time_first", perm=(1, 0, 2))
    _, last = recurrent(graph, x, (width, hidden), name="bilstm", op="LSTM", bidirectional=True)
    both = graph.node("Transpose", (last,), name="batch_first", perm=(1, 0, 2))
    shape = graph.integers("both_states.shape", (0, 2 * hidden))
    state = graph.node("Reshape", (both, shape), name="both_states")
    dense(graph, state, (2 * hidden, params["classes"]), name="head", output="logits")
    return graph.model(_signature(params))


BUILTINS = (
    Builtin(
        name="bilstm-text",
        summary="embedding and bidirectional LSTM that classifies a text",
        family="text",
        parameters=(
            Parameter(name="vocabulary", default=10_000, help="the number of words"),
            Parameter(name="width", default=64, help="the length of a word's embedding"),
            Parameter(name="hidden", default=64, help="the width of the state in each direction"),
            Parameter(name="classes", default=2, help="the number of logits"),
        ),
        signature=_signature,
        build=_build,
    ),
)
