"""Which precision a graph already has, told from its weights and its quantization nodes.

The rule. Weights are the tensors of the graph and of the bodies inside it, counted in stored
bits; a float tensor that only a Cast or a QuantizeLinear reads counts as what that makes of it.
Quantized weights of at least QUANTIZED_SHARE give the name (`int8`, `fp8`, `int4`), since what a
recipe leaves alone, such as an embedding, is often larger than what it changes. int8 is static
where activations are quantized by constants, `int8-dynamic` where only at run time, and
`int8-weights` where never. The largest share of the other weights follows, unless it is fp32:
`int8-fp16`. Without quantized weights it is the whole name: `fp16`.

The names are those of `suites/case.py` and those that no case can have yet: `int8-weights`, and
pairs such as `fp8-bf16`. They are stable: plans compare them with what a case asks for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from engines.graph.walk import every_graph

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

QUANTIZED_SHARE = 0.01

_FLOATS = {"FLOAT": "fp32", "FLOAT16": "fp16", "BFLOAT16": "bf16", "DOUBLE": "fp64"}
_BITS = {"FLOAT": 32, "FLOAT16": 16, "BFLOAT16": 16, "DOUBLE": 64, "INT4": 4, "UINT4": 4}
_BITS_OF_QUANTIZED = 8
_INTEGER_READERS = (
    "DequantizeLinear",
    "MatMulInteger",
    "ConvInteger",
    "QLinear",
    "QGemm",
    "QAttention",
    "QEmbed",
    "DynamicQuantize",
    "MatMulIntegerToFloat",
)
_BLOCK_READERS = ("MatMulNBits", "GatherBlockQuantized")

_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear")

Use = tuple["NodeProto", int]
"""A node and the position at which it reads a tensor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weights:
    """A graph's tensors by name with the nodes that read them; names of bodies are pooled."""

    tensors: list[tuple[str, TensorProto]]
    uses: dict[str, list[Use]]
    types: dict[str, str]
    nodes: list[NodeProto]
    bits: Counter[str] = field(default_factory=Counter)
    scale_bits: Counter[str] = field(default_factory=Counter)


def own_precision(model: ModelProto) -> str:
    """Return the precision's name by the rule above; fp32 where nothing has a float type."""
    weights = _collect(model)
    for name, tensor in weights.tensors:
        kind, is_scale = _kind(name, tensor, weights)
        if kind is not None:
            (weights.scale_bits if is_scale else weights.bits)[kind] += _size_bits(tensor)
    quantized = Counter({k: n for k, n in weights.bits.items() if k in ("int8", "fp8", "int4")})
    rest = _rest(weights, quantized, model)
    if quantized.total() < QUANTIZED_SHARE * weights.bits.total() or not quantized.total():
        return rest
    name = _quantized_name(quantized.most_common(1)[0][0], weights)
    return name if rest == "fp32" else f"{name}-{rest}"


def _collect(model: ModelProto) -> _Weights:
    tensors: list[tuple[str, TensorProto]] = []
    uses: dict[str, list[Use]] = defaultdict(list)
    nodes: list[NodeProto] = []
    for graph in every_graph(model.graph):
        tensors += [(tensor.name, tensor) for tensor in graph.initializer]
        nodes += graph.node
    for node in nodes:
        tensors += _constants(node)
        for position, name in enumerate(node.input):
            uses[name].append((node, position))
    types = {name: _type_name(tensor.data_type) for name, tensor in tensors}
    return _Weights(tensors=tensors, uses=uses, types=types, nodes=nodes)


def _constants(node: NodeProto) -> Iterator[tuple[str, TensorProto]]:
    if node.op_type == "Constant" and node.output:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield node.output[0], attribute.t


def _type_name(data_type: int) -> str:
    from onnx import TensorProto

    known = data_type in TensorProto.DataType.values()
    return str(TensorProto.DataType.Name(data_type)) if known else "UNDEFINED"


def _size_bits(tensor: TensorProto) -> int:
    bits = _BITS.get(_type_name(tensor.data_type), _BITS_OF_QUANTIZED)
    return bits * int(prod(tensor.dims))


def _kind(name: str, tensor: TensorProto, weights: _Weights) -> tuple[str | None, bool]:
    """Return what a tensor counts as, and whether it is a scale; None counts for nothing."""
    uses, own = weights.uses.get(name, []), _type_name(tensor.data_type)
    readers = {node.op_type for node, _ in uses}
    if own not in _FLOATS:
        return _quantized_kind(own, uses), False
    if any(node.op_type in _QUANTIZERS and position == 1 for node, position in uses):
        return _FLOATS[own], True
    if readers == {"QuantizeLinear"}:
        return _family(_quantized_type(uses[0][0], weights)), False
    if readers == {"Cast"}:
        target = _type_name(next((a.i for a in uses[0][0].attribute if a.name == "to"), 0))
        return _FLOATS.get(target), False
    return _FLOATS[own], False


def _quantized_kind(own: str, uses: list[Use]) -> str | None:
    for node, _ in uses:
        if node.op_type in _BLOCK_READERS:
            bits = next((a.i for a in node.attribute if a.name == "bits"), 4)
            return "int4" if bits == 4 else "int8"
        if node.op_type.startswith(_INTEGER_READERS):
            return _family(own)
    return None


def _family(own: str) -> str | None:
    """Return what a stored type is called as a precision, or None for what holds no weights."""
    if own.startswith("FLOAT8"):
        return "fp8"
    return {"INT8": "int8", "UINT8": "int8", "INT4": "int4", "UINT4": "int4"}.get(own)


def _quantized_type(node: NodeProto, weights: _Weights) -> str:
    """Return the type that a QuantizeLinear makes: its zero point's, else its attribute's."""
    if len(node.input) > 2 and node.input[2] in weights.types:
        return weights.types[node.input[2]]
    given = next((a.i for a in node.attribute if a.name == "output_dtype"), 0)
    return _type_name(given) if given else "UINT8"


def _rest(weights: _Weights, quantized: Counter[str], model: ModelProto) -> str:
    """Return the commonest float type: of weights, else of scales, else of the inputs."""
    inputs = Counter(
        _FLOATS.get(_type_name(value.type.tensor_type.elem_type)) for value in model.graph.input
    )
    inputs.pop(None, None)
    for counted in (weights.bits - quantized, weights.scale_bits, inputs):
        if counted:
            return str(counted.most_common(1)[0][0])
    return "fp32"


def _quantized_name(kind: str, weights: _Weights) -> str:
    """Return the kind, int8 with how its activations are quantized."""
    if kind != "int8":
        return kind
    if any(_is_static(node, weights) for node in weights.nodes):
        return "int8"
    dynamic = any(node.op_type.startswith("DynamicQuantize") for node in weights.nodes)
    return "int8-dynamic" if dynamic else "int8-weights"


def _is_static(node: NodeProto, weights: _Weights) -> bool:
    """Return whether a node quantizes activations with constant scales."""
    quantizes = node.op_type == "QuantizeLinear" and len(node.input) > 0
    return quantizes and node.input[0] not in weights.types
