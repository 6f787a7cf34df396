"""How many bytes of activations one query moves, as if every node ran for itself.

The model: a node reads each activation among its operands once and writes each result that
something reads, at the types they have in the graph. Nothing stays in a register or a cache from
one node to the next, so this is an upper bound of what a runtime that fuses nodes moves. Beyond
that:

- parameters are no activations, nor is what follows from them and from sizes alone;
- views (Reshape, Squeeze, Identity, …) and the nodes If, Loop and Scan themselves move nothing;
- Gather, Slice and Split read no more than they write;
- conversion is part of its neighbours: DequantizeLinear and Cast move nothing, and what reads
  their result reads the type before; a result that nothing but QuantizeLinear reads, or nothing but
  a Cast to an output, is written at the type after. A QuantizeLinear of something else, and a
  conversion from an input straight to an output, move as any node does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engines.graph.operations import VIEWS
from engines.graph.parameters import readers
from engines.graph.tensors import Step, Tensor, count, size_bytes
from engines.graph.trace import every_step
from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from engines.graph.parameters import Uses
    from engines.graph.tensors import Block

_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "Cast")
_PARTS = ("Gather", "GatherElements", "GatherND", "Slice", "Split")


def activation_bytes(block: Block, runs: Iterable[tuple[Step, int]]) -> int:
    """Return the bytes read and written by these nodes, each as often as it runs."""
    traffic = _Traffic(block)
    return sum(traffic.moved(step) * times for step, times in runs)


class _Traffic:
    """What is moved at which type; names of bodies are pooled."""

    def __init__(self, block: Block) -> None:
        self._uses: Uses = readers(block.graph)
        graphs = list(every_graph(block.graph))
        self._given_out = {value.name for graph in graphs for value in graph.output}
        self._types: dict[str, int] = {}
        self._fused: set[str] = set()
        made: set[str] = set()
        for step in every_step(block):
            if not step.constant:
                self._note(step, made)
                if not step.blocks and step.node.op_type not in (*VIEWS, *_CONVERSIONS):
                    made.update(step.node.output)

    def moved(self, step: Step) -> int:
        """Return the bytes that one run of a node reads and writes."""
        node = step.node
        fused = bool(node.output) and node.output[0] in self._fused
        if step.constant or fused or node.op_type in VIEWS:
            return 0
        written = [
            (name, tensor)
            for name, tensor in zip(node.output, step.outputs, strict=True)
            if name in self._uses or name in self._given_out
        ]
        reads = [
            self._bytes(name, tensor)
            for name, tensor in zip(node.input, step.inputs, strict=False)
            if tensor is not None and not tensor.constant
        ]
        if node.op_type in _PARTS and step.inputs[0] is not None and not step.inputs[0].constant:
            reads[0] = min(reads[0], sum(self._bytes(*each) for each in written))
        return sum(reads) + sum(self._bytes(*each) for each in written)

    def _note(self, step: Step, made: set[str]) -> None:
        """Note which types the neighbours of a view or a conversion move instead of its own."""
        node = step.node
        if node.op_type not in _CONVERSIONS and node.op_type not in VIEWS:
            return
        source, result = node.input[0], node.output[0]
        if node.op_type in VIEWS:
            if source in self._types:
                self._types[result] = self._types[source]
        elif node.op_type != "QuantizeLinear" and result not in self._given_out:
            self._convert(result, step.inputs[0], fused=result, before=self._types.get(source))
        elif self._is_only_converted(source, node.op_type, made):
            self._convert(source, step.outputs[0], fused=result)

    def _convert(
        self, name: str, tensor: Tensor | None, *, fused: str, before: int | None = None
    ) -> None:
        if tensor is not None:
            self._types[name] = tensor.data_type if before is None else before
            self._fused.add(fused)

    def _is_only_converted(self, name: str, operator: str, made: set[str]) -> bool:
        """Return whether the node that makes a tensor can as well give it converted."""
        operators = {node.op_type for node, _ in self._uses[name]}
        return name in made and name not in self._given_out and operators == {operator}

    def _bytes(self, name: str, tensor: Tensor | None) -> int:
        if tensor is None:
            return 0
        return size_bytes(count(tensor), self._types.get(name, tensor.data_type))
