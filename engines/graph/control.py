"""What If, Loop and Scan run: their bodies at the shapes that they get, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from engines.graph.tensors import Block, Step, Tensor
from engines.graph.walk import bodies

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Known = Mapping[str, Tensor]
Operands = tuple[Tensor | None, ...]
Trace = Callable[["GraphProto", Known, Known, Mapping[str, int]], Block]
Body = Callable[[Sequence[Tensor]], Block]
"""Traces a body whose inputs are these."""

_BOOL, _INT64 = 9, 7


def trace_control(
    node: NodeProto, inputs: Operands, known: Known, opsets: Mapping[str, int], trace: Trace
) -> Step | None:
    """Return the step of a node with bodies, None for any other."""
    if node.op_type == "If":
        blocks = [trace(graph, {}, known, opsets) for graph in _branches(node, inputs[0])]
        return _if(node, inputs, tuple(blocks), known)
    graph = next(bodies(node), None)
    if graph is None:
        return None
    body_graph = graph

    def body(given: Sequence[Tensor]) -> Block:
        names = [value.name for value in body_graph.input]
        return trace(body_graph, dict(zip(names, given, strict=False)), known, opsets)

    if node.op_type == "Loop":
        return _loop(node, inputs, body, known)
    if node.op_type == "Scan" and opsets.get("", 0) > 8:
        return _scan(node, inputs, body, known)
    unknown = tuple(Tensor() for _ in node.output)
    return Step(node=node, inputs=inputs, outputs=unknown, blocks=(body(()),), trips=None)


def _branches(node: NodeProto, condition: Tensor | None) -> list[GraphProto]:
    """Return both branches, or the one that is taken whatever the query."""
    by_name = {attribute.name: attribute.g for attribute in node.attribute}
    taken = _scalar(condition)
    if taken is None:
        return [by_name["then_branch"], by_name["else_branch"]]
    return [by_name["then_branch" if taken else "else_branch"]]


def _if(node: NodeProto, inputs: Operands, blocks: tuple[Block, ...], known: Known) -> Step:
    sides = zip(*(block.outputs(known) for block in blocks), strict=True)
    outputs = tuple(_either(side) if len(blocks) > 1 else side[0] for side in sides)
    return Step(node=node, inputs=inputs, outputs=outputs, blocks=blocks)


def _either(side: Sequence[Tensor]) -> Tensor:
    """Return what is known whichever branch is taken."""
    first, second = side
    shape = first.shape if first.shape == second.shape else None
    return Tensor(data_type=first.data_type, shape=shape)


def _loop(node: NodeProto, inputs: Operands, body: Body, known: Known) -> Step:
    """Return a Loop's step. A state that the first trip gives another shape has none known."""
    counter = Tensor(data_type=_INT64, shape=())
    given = [Tensor(data_type=_BOOL, shape=()), *(_varying(state) for state in inputs[2:])]
    block = body([counter, *given])
    first = block.outputs(known)
    states = [
        Tensor(
            data_type=before.data_type, shape=before.shape if before.shape == after.shape else None
        )
        for before, after in zip(given[1:], first[1:], strict=False)
    ]
    if states != given[1:]:
        block = body([counter, given[0], *states])
    trips = _trips(inputs, block, known)
    each = block.outputs(known)[1 + len(states) :]
    stacked = [_stacked(tensor, trips, 0) for tensor in each]
    return Step(node=node, inputs=inputs, outputs=(*states, *stacked), blocks=(block,), trips=trips)


def _trips(inputs: Operands, block: Block, known: Known) -> int | None:
    """Return how often a Loop runs where neither inputs nor its body can tell otherwise."""
    most = _scalar(inputs[0])
    start = True if inputs[1] is None else _scalar(inputs[1])
    condition = block.graph.output[0].name
    passed = block.graph.input[1].name
    copies = {
        step.node.output[0]: step.node.input[0]
        for step in block.steps
        if step.node.op_type == "Identity"
    }
    while condition in copies:
        condition = copies[condition]
    goes_on = condition == passed or _scalar(block.outputs(known)[0])
    return int(most) if most is not None and start and goes_on else None


def _scan(node: NodeProto, inputs: Operands, body: Body, known: Known) -> Step:
    lists = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    count = next(a.i for a in node.attribute if a.name == "num_scan_inputs")
    states = [_varying(state) for state in inputs[: len(inputs) - count]]
    scanned = [tensor or Tensor() for tensor in inputs[len(inputs) - count :]]
    axes = lists.get("scan_input_axes") or [0] * count
    trips = next((t.shape[axis] for t, axis in zip(scanned, axes, strict=True) if t.shape), None)
    slices = [_slice(tensor, axis) for tensor, axis in zip(scanned, axes, strict=True)]
    block = body([*states, *slices])
    each = block.outputs(known)[len(states) :]
    ends = lists.get("scan_output_axes") or [0] * len(each)
    stacked = [_stacked(tensor, trips, axis) for tensor, axis in zip(each, ends, strict=True)]
    return Step(node=node, inputs=inputs, outputs=(*states, *stacked), blocks=(block,), trips=trips)


def _varying(tensor: Tensor | None) -> Tensor:
    """Return what stays known of something that each trip may give another value."""
    return Tensor() if tensor is None else Tensor(data_type=tensor.data_type, shape=tensor.shape)


def _slice(tensor: Tensor, axis: int) -> Tensor:
    if tensor.shape is None:
        return Tensor(data_type=tensor.data_type)
    place = axis % len(tensor.shape)
    shape = tensor.shape[:place] + tensor.shape[place + 1 :]
    return Tensor(data_type=tensor.data_type, shape=shape)


def _stacked(tensor: Tensor, trips: int | None, axis: int) -> Tensor:
    if tensor.shape is None or trips is None:
        return Tensor(data_type=tensor.data_type)
    place = axis % (len(tensor.shape) + 1)
    shape = (*tensor.shape[:place], trips, *tensor.shape[place:])
    return Tensor(data_type=tensor.data_type, shape=shape)


def _scalar(tensor: Tensor | None) -> int | None:
    """Return the value of one known number or truth value."""
    from onnx.numpy_helper import to_array

    if tensor is None or tensor.value is None:
        return None
    return int(to_array(tensor.value).item())
