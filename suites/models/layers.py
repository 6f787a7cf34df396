"""The layers that several built-in models share, written into a graph that is being built.

Weights are uniform and scaled by their fan-in, so that a unit-variance input leaves a layer with
about unit variance (He et al. 2015, arXiv:1502.01852, for those before a ReLU).
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suites.models.graph import Attribute, GraphBuilder

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
BEFORE_RELU = sqrt(2)
"""The gain that makes up for the half of the variance which a ReLU takes."""
_BIAS_LIMIT = 0.05


def dense(
    graph: GraphBuilder,
    x: str,
    sizes: tuple[int, int],
    *,
    name: str,
    output: str = "",
    gain: float = 1.0,
) -> str:
    """Add [batch, sizes[0]] → [batch, sizes[1]]."""
    inputs, outputs = sizes
    weight = graph.weight(f"{name}.weight", (outputs, inputs), limit=gain * sqrt(3 / inputs))
    bias = graph.weight(f"{name}.bias", (outputs,), limit=_BIAS_LIMIT)
    return graph.node("Gemm", (x, weight, bias), name=name, output=output, transB=1)


def projection(
    graph: GraphBuilder, x: str, sizes: tuple[int, int], *, name: str, output: str = ""
) -> str:
    """Add [batch, sequence, sizes[0]] → [batch, sequence, sizes[1]]."""
    weight = graph.weight(f"{name}.weight", sizes, limit=sqrt(3 / sizes[0]))
    bias = graph.weight(f"{name}.bias", (sizes[1],), limit=_BIAS_LIMIT)
    product = graph.node("MatMul", (x, weight), name=f"{name}.product")
    return graph.node("Add", (product, bias), name=name, output=output)


def conv(
    graph: GraphBuilder,
    x: str,
    channels: tuple[int, int],
    *,
    name: str,
    kernel: int = 3,
    stride: int = 1,
    group: int = 1,
    gain: float = BEFORE_RELU,
) -> str:
    """Add a convolution over [batch, channel, y, x]; each side becomes ⌈side / stride⌉."""
    inputs, outputs = channels
    shape = (outputs, inputs // group, kernel, kernel)
    limit = gain * sqrt(3 / (inputs // group * kernel * kernel))
    weight = graph.weight(f"{name}.weight", shape, limit=limit)
    bias = graph.weight(f"{name}.bias", (outputs,), limit=_BIAS_LIMIT)
    return graph.node(
        "Conv",
        (x, weight, bias),
        name=name,
        kernel_shape=(kernel, kernel),
        strides=(stride, stride),
        pads=(kernel // 2,) * 4,
        group=group,
    )


def recurrent(
    graph: GraphBuilder,
    x: str,
    sizes: tuple[int, int],
    *,
    name: str,
    op: str,
    bidirectional: bool = False,
) -> tuple[str, str]:
    """Add an RNN, GRU or LSTM over [sequence, batch, sizes[0]].

    Returns all states [sequence, directions, batch, sizes[1]] and the last [directions, batch,
    sizes[1]]. The recurrence contracts, so that long sequences neither blow up nor turn chaotic.
    """
    features, hidden = sizes
    directions, rows = 1 + bidirectional, GATES[op] * hidden
    weights = (
        graph.weight(f"{name}.W", (directions, rows, features), limit=sqrt(3 / features)),
        graph.weight(f"{name}.R", (directions, rows, hidden), limit=sqrt(1 / hidden)),
        graph.weight(f"{name}.B", (directions, 2 * rows), limit=_BIAS_LIMIT),
    )
    attributes: dict[str, Attribute] = {"hidden_size": hidden}
    if bidirectional:
        attributes["direction"] = "bidirectional"
    if op == "GRU":
        attributes["linear_before_reset"] = 1  # as cuDNN and torch define a GRU
    outputs = [f"{name}.Y", f"{name}.Y_h", *([f"{name}.Y_c"] if op == "LSTM" else [])]
    graph.node_of_many(op, (x, *weights), outputs, name=name, attributes=attributes)
    return outputs[0], outputs[1]
