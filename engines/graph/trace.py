"""A graph at concrete sizes: each node with the types, shapes and small values around it."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING

from engines.graph.control import trace_control
from engines.graph.infer import constant_of, infer, tensor_of
from engines.graph.tensors import Block, Step, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto


def trace(model: ModelProto, shapes: Mapping[str, tuple[int, ...]]) -> Block:
    """Return the model's graph with what is known of it where its inputs have these shapes.

    Inputs without one have that of the file, where all of it is numbers. The model is left as it
    is, its functions apart written out in a copy, and its weights are not looked at.
    """
    graph = _without_functions(model)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opsets[""] = opsets.get("", opsets.pop("ai.onnx", 0))
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {
        value.name: _input(value, shapes.get(value.name))
        for value in graph.input
        if value.name not in weights
    }
    return trace_block(graph, inputs, {}, opsets)


def trace_block(
    graph: GraphProto,
    inputs: Mapping[str, Tensor],
    outer: Mapping[str, Tensor],
    opsets: Mapping[str, int],
) -> Block:
    """Return a graph or a body with what is known of it; `outer` has what is around a body."""
    own = dict(inputs)
    own |= {tensor.name: tensor_of(tensor) for tensor in graph.initializer}
    for sparse in graph.sparse_initializer:
        kind, dims = sparse.values.data_type, tuple(sparse.dims)
        own[sparse.values.name] = Tensor(data_type=kind, shape=dims, constant=True)
    known = ChainMap(own, dict(outer))
    steps = []
    for node in graph.node:
        step = _step(node, known, opsets)
        steps.append(step)
        own |= {n: t for n, t in zip(node.output, step.outputs, strict=True) if n and t}
    return Block(graph=graph, steps=tuple(steps), tensors=own)


def every_step(block: Block) -> Iterator[Step]:
    """Return all steps of the graph and of the bodies in it, each before those inside it."""
    for step in block.steps:
        yield step
        for body in step.blocks:
            yield from every_step(body)


def _step(node: NodeProto, known: Mapping[str, Tensor], opsets: Mapping[str, int]) -> Step:
    inputs = tuple(known.get(name, Tensor()) if name else None for name in node.input)
    controlled = trace_control(node, inputs, known, opsets, trace_block)
    if controlled is not None:
        return controlled
    if node.op_type == "Constant":
        return Step(node=node, inputs=(), outputs=(constant_of(node),))
    found = infer(node, inputs, opsets)
    outputs = tuple(t if name else None for name, t in zip(node.output, found, strict=True))
    return Step(node=node, inputs=inputs, outputs=outputs)


def _input(value: ValueInfoProto, shape: tuple[int, ...] | None) -> Tensor:
    declared = value.type.tensor_type
    if shape is None and declared.HasField("shape"):
        dims = declared.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            shape = tuple(dim.dim_value for dim in dims)
    return Tensor(data_type=declared.elem_type, shape=None if shape is None else tuple(shape))


def _without_functions(model: ModelProto) -> GraphProto:
    """Return the graph, or a copy in which nodes that call the model's functions are their bodies.

    Weights stay out of the call: a message of more than 2 GiB cannot be passed.
    """
    if not model.functions:
        return model.graph
    from onnx import GraphProto, ModelProto
    from onnx.inliner import inline_local_functions

    bare = ModelProto(ir_version=model.ir_version)
    bare.opset_import.extend(model.opset_import)
    bare.functions.extend(model.functions)
    bare.graph.name = model.graph.name
    bare.graph.node.extend(model.graph.node)
    bare.graph.input.extend(model.graph.input)
    bare.graph.output.extend(model.graph.output)
    graph = GraphProto()
    graph.CopyFrom(inline_local_functions(bare).graph)
    graph.initializer.extend(model.graph.initializer)
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    return graph
