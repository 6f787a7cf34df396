"""What a recipe really did to a graph, counted on the graph that it made.

No node is paired with the one it was made of, since recipes replace, split and merge nodes: both
graphs are counted, and the counts are compared.

A product (MatMul, Gemm, Conv, RNN, …) computes in the type that its operands are dequantized from,
where all of them are; else in that of its first one. So weights alone do not change it: of int4,
`weights` says int4 and `flops` what the activations are. RNN, GRU and LSTM go by X, W and R, but of
their operations only the products with the input do: those with the state, which no graph can
quantize, and the gates compute in the float type of X. Products of integers (MatMulInteger, …)
compute in those. Every other node computes in the type of its operands, also between a
dequantization and a quantization.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.graph.cost import executed
from engines.graph.operations import INTEGER_PRODUCTS, VIEWS, flops
from engines.graph.parameters import PRODUCTS, parameters
from engines.graph.recurrent import with_input
from engines.graph.tensors import is_float, precision_name
from engines.graph.trace import every_step, trace

if TYPE_CHECKING:
    from onnx import ModelProto

    from engines.graph.parameters import Parameter
    from engines.graph.tensors import Block, Step, Tensor

_FP32 = "fp32"
_PASSING = VIEWS | {"Transpose"}
_RECURRENT = ("RNN", "GRU", "LSTM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A graph at its precision beside the fp32 one it was made of.

    `nodes` compute in another type than fp32 and did not before, of `all_nodes` that have
    floating-point operations; one in the body of a Loop or Scan is one. `weights` and `flops` are
    the fractions of the weights' elements, and of the operations at the sizes asked for, that each
    type has (`int8`, `fp16`, …), largest first; weights are as `Parameter.is_weight` says.
    `bytes_before` and `bytes_after` are those of all constants, scales and biases too. `kept` are
    `Converted.kept`.
    """

    nodes: int
    all_nodes: int
    weights: Mapping[str, float]
    flops: Mapping[str, float]
    bytes_before: int
    bytes_after: int
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Return whether a node computes, or a weight is kept, in another type than before."""
        weights_changed = self.bytes_before != self.bytes_after and set(self.weights) - {_FP32}
        return self.nodes > 0 or bool(weights_changed)


def effect(
    before: ModelProto,
    after: ModelProto,
    shapes: Mapping[str, tuple[int, ...]],
    kept: tuple[str, ...] = (),
) -> Effect:
    """Return what makes `after` another graph than `before`; `shapes` are those of the inputs."""
    old, new = trace(before, shapes), trace(after, shapes)
    old_types, new_types = _node_types(old), _node_types(new)
    constants = parameters(new)
    return Effect(
        nodes=(new_types - old_types - Counter({_FP32: new_types[_FP32]})).total(),
        all_nodes=new_types.total(),
        weights=_fractions(_weights(constants)),
        flops=_fractions(_flops(new)),
        bytes_before=sum(each.size_bytes for each in parameters(old)),
        bytes_after=sum(each.size_bytes for each in constants),
        kept=kept,
    )


def _node_types(block: Block) -> Counter[str]:
    """Return how many nodes compute in each type, those of unknown sizes too."""
    sources = _sources(block)
    return Counter(
        kind
        for step in every_step(block)
        if not step.blocks and flops(step) != 0 and (kind := _computes_in(step, sources))
    )


def _flops(block: Block) -> Counter[str]:
    sources = _sources(block)
    found: Counter[str] = Counter()
    for step, times in executed(block):
        operations = flops(step)
        if not operations:
            continue
        if step.node.op_type in _RECURRENT:
            rest = operations - with_input(step)
            found[_floats(step.inputs)] += rest * times
            operations -= rest
        found[_computes_in(step, sources)] += operations * times
    return found


def _weights(constants: tuple[Parameter, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in constants:
        if each.is_weight:
            found[precision_name(each.data_type)] += each.number
    return found


def _fractions(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {name: number / total for name, number in counts.most_common() if number}


def _sources(block: Block) -> dict[str, int]:
    """Return the type that each dequantized tensor was before, also once moved; bodies pooled."""
    sources: dict[str, int] = {}
    for step in every_step(block):
        if step.node.op_type == "DequantizeLinear" and step.inputs[0] is not None:
            sources[step.node.output[0]] = step.inputs[0].data_type
        elif step.node.op_type in _PASSING and step.node.input[0] in sources:
            sources[step.node.output[0]] = sources[step.node.input[0]]
    return sources


def _computes_in(step: Step, sources: Mapping[str, int]) -> str:
    """Return the name of a node's type, "" where nothing says it."""
    operator = step.node.op_type
    places = [place for place in PRODUCTS.get(operator, ()) if step.has(place)]
    operands = [step.inputs[place] for place in places]
    if operator in INTEGER_PRODUCTS:
        weights = operands[-1]
        return "" if weights is None else precision_name(weights.data_type)
    known = [sources.get(step.node.input[place]) for place in places]
    if known and known[0] is not None and None not in known:
        return precision_name(known[0])
    return _floats((*operands, *step.inputs, *step.outputs))


def _floats(tensors: Iterable[Tensor | None]) -> str:
    """Return the name of the first one's type that is of floats, "" where none is."""
    kinds = (tensor.data_type for tensor in tensors if tensor is not None)
    return next((precision_name(kind) for kind in kinds if is_float(kind)), "")
