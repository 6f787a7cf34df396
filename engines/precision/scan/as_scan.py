"""RNN, GRU and LSTM nodes of a model as MatMul and Scan, at the precision that they have.

What goes into such an operator can be quantized, but not the state that goes round inside it. A
Scan shows both products as MatMul nodes, which quantize as any other. The values are those of the
operator, but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.graph.walk import every_graph
from engines.precision.edit.constants import constants, drop_unread
from engines.precision.edit.names import Names, label
from engines.precision.edit.opset import is_onnx
from engines.precision.scan.recurrence import GATES, NotReadError, read
from engines.precision.scan.scan import write_scan
from engines.precision.scan.section import Section

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An operator that stays as it was: what messages call its node, and what is in the way."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What became Scans, for each by its node's name its initial state, "" where that is zero.

    `left` are those of the graph's own operators that did not.
    """

    initial_h: Mapping[str, str]
    left: tuple[Left, ...]


def as_scan(model: ModelProto) -> Scanned:
    """Rewrite the operators of the model's graph in place; those in bodies of its nodes stay."""
    graph = model.graph
    weights, used, names = constants(graph), _used(graph), Names(model)
    nodes: list[NodeProto] = []
    initial_h: dict[str, str] = {}
    left: list[Left] = []
    for node in graph.node:
        if not is_recurrent(node):
            nodes.append(node)
            continue
        try:
            recurrence = read(node, weights)
        except NotReadError as error:
            left.append(Left(node=label(node), reason=str(error)))
            nodes.append(node)
            continue
        section = Section(names.take_prefix(f"{_called(node)}.scan"))
        scans = write_scan(section, recurrence, used)
        initial_h.update(dict.fromkeys(scans, recurrence.initial_h))
        nodes += section.nodes
        graph.initializer.extend(section.constants)
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unread(model, weights.keys() & used)
    return Scanned(initial_h=initial_h, left=tuple(left))


def is_recurrent(node: NodeProto) -> bool:
    """Return whether the node is one of ONNX's three recurrent operators."""
    return node.op_type in GATES and is_onnx(node)


def _called(node: NodeProto) -> str:
    return node.name or next(filter(None, node.output), node.op_type)


def _used(graph: GraphProto) -> set[str]:
    """Return the names that some node reads or that a graph gives out, bodies included."""
    read_by_nodes = {
        name for inner in every_graph(graph) for node in inner.node for name in node.input
    }
    given_out = {value.name for inner in every_graph(graph) for value in inner.output}
    return (read_by_nodes | given_out) - {""}
