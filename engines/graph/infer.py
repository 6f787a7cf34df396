"""What one node gives: types and shapes by ONNX's inference, small values by its reference.

The inference of whole models (`onnx.shape_inference.infer_shapes`) takes them serialised, forgets
the shapes of a Loop's states, and follows values through few operators; so nodes are asked one
by one, with the values that their operands have.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from engines.graph.tensors import UNKNOWN_TYPE, Tensor, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnx import NodeProto, TensorProto, TypeProto
    from onnx.defs import OpSchema

LARGEST_VALUE = 1024
"""Elements of the longest tensor whose value is kept: shapes, axes, bounds, indices."""

_SIZES = ("Shape", "Size")
_QUANTIZERS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
_VARYING = ("Random", "Bernoulli", "Multinomial")
_INT64 = 7
_REFERENCE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
_TWINS = {
    ("com.microsoft", "DynamicQuantizeLSTM"): "LSTM",
    ("", "GroupNormalization"): "Identity",
    ("", "MeanVarianceNormalization"): "Identity",
    ("", "GreaterOrEqual"): "Greater",
    ("", "LessOrEqual"): "Less",
}
"""Operators that ONNX cannot infer, or not in each opset, with one that gives the same shapes.

They are given all operands in the type of the first one.
"""


def tensor_of(tensor: TensorProto) -> Tensor:
    """Return what is known of a weight: its value too where it is short and in the file."""
    from onnx import TensorProto

    shape = tuple(tensor.dims)
    inside = tensor.data_location != TensorProto.EXTERNAL
    small = inside and prod(shape) <= LARGEST_VALUE
    return Tensor(
        data_type=tensor.data_type, shape=shape, value=tensor if small else None, constant=True
    )


def constant_of(node: NodeProto) -> Tensor:
    """Return what a Constant node holds."""
    from onnx.helper import make_tensor

    for attribute in node.attribute:
        if attribute.HasField("t"):
            return tensor_of(attribute.t)
        if attribute.HasField("sparse_tensor"):
            sparse = attribute.sparse_tensor
            kind = sparse.values.data_type
            return Tensor(data_type=kind, shape=tuple(sparse.dims), constant=True)
        data_type = _TYPES_OF_ATTRIBUTES.get(attribute.name)
        if data_type is not None:
            many = list(attribute.ints or attribute.floats)
            one = attribute.i if attribute.name == "value_int" else attribute.f
            shape = (len(many),) if attribute.name.endswith("s") else ()
            return tensor_of(make_tensor("value", data_type, shape, many if shape else [one]))
    return Tensor(constant=True)


_TYPES_OF_ATTRIBUTES = {"value_int": 7, "value_ints": 7, "value_float": 1, "value_floats": 1}


def infer(
    node: NodeProto, inputs: Sequence[Tensor | None], opsets: Mapping[str, int]
) -> tuple[Tensor, ...]:
    """Return what is known of each output of a node without bodies."""
    constant = node.op_type in _SIZES or _is_constant(node, inputs)
    types = _inferred(node, inputs, opsets)
    found = tuple(_tensor(types.get(name), constant=constant) for name in node.output)
    if len(found) == 1 and constant and node.op_type not in _QUANTIZERS:
        value = _value(node, inputs, found[0], opsets)
        return found if value is None else (tensor_of(value),)
    return found


def _is_constant(node: NodeProto, inputs: Sequence[Tensor | None]) -> bool:
    if node.op_type.startswith(_VARYING):
        return False
    return all(tensor is None or tensor.constant for tensor in inputs)


def _inferred(
    node: NodeProto, inputs: Sequence[Tensor | None], opsets: Mapping[str, int]
) -> Mapping[str, TypeProto]:
    """Return types by name, as far as ONNX can tell them."""
    from onnx.checker import ValidationError
    from onnx.helper import make_opsetid
    from onnx.shape_inference import InferenceError, infer_node_outputs

    schema = _schema(node.op_type, node.domain, opsets.get(node.domain, 0))
    given = {n: t for n, t in zip(node.input, inputs, strict=True) if t is not None}
    if schema is None or any(tensor.data_type == UNKNOWN_TYPE for tensor in given.values()):
        return {}
    twin = _twin(node)
    kinds = dict.fromkeys(given, given[node.input[0]].data_type) if twin is not node else {}
    try:
        return infer_node_outputs(
            schema,
            twin,
            {n: _type(kinds.get(n, t.data_type), t.shape) for n, t in given.items()},
            {name: tensor.value for name, tensor in given.items() if tensor.value is not None},
            opset_imports=[make_opsetid(domain, version) for domain, version in opsets.items()],
        )
    except (InferenceError, ValidationError, ValueError):
        return {}


def _schema(op: str, domain: str, opset: int) -> OpSchema | None:
    from onnx import defs

    known = _TWINS.get((domain, op))
    if known is not None:
        return defs.get_schema(known)
    try:
        return defs.get_schema(op, opset, "" if domain == "ai.onnx" else domain)
    except defs.SchemaError:
        return None


def _twin(node: NodeProto) -> NodeProto:
    """Return the node, or one of its twin with the operands and attributes that this has."""
    from onnx import NodeProto, defs

    known = _TWINS.get((node.domain, node.op_type))
    if known is None:
        return node
    schema = defs.get_schema(known)
    return NodeProto(
        op_type=known,
        input=node.input[: schema.max_input],
        output=node.output,
        attribute=[each for each in node.attribute if each.name in schema.attributes],
    )


@lru_cache(maxsize=4096)
def _type(data_type: int, shape: tuple[int, ...] | None) -> TypeProto:
    from onnx.helper import make_tensor_type_proto

    return make_tensor_type_proto(data_type, shape)


def _tensor(found: TypeProto | None, *, constant: bool) -> Tensor:
    if found is None or not found.HasField("tensor_type"):
        return Tensor(constant=constant)
    kind = found.tensor_type
    dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
    sizes = tuple(dim for dim in dims if dim is not None)
    known = kind.HasField("shape") and len(sizes) == len(dims)
    return Tensor(data_type=kind.elem_type, shape=sizes if known else None, constant=constant)


def _value(
    node: NodeProto, inputs: Sequence[Tensor | None], found: Tensor, opsets: Mapping[str, int]
) -> TensorProto | None:
    """Return what the node gives where its operands' values or shapes say so, and it is short."""
    if count(found) > LARGEST_VALUE:
        return None
    if node.op_type in _SIZES:
        return _size(node, inputs[0])
    given = {name: tensor for name, tensor in zip(node.input, inputs, strict=True) if tensor}
    values = {name: tensor.value for name, tensor in given.items() if tensor.value is not None}
    return _evaluated(node, values, opsets) if len(values) == len(given) else None


def _size(node: NodeProto, operand: Tensor | None) -> TensorProto | None:
    from onnx.helper import make_tensor

    if operand is None or operand.shape is None:
        return None
    if node.op_type == "Size":
        return make_tensor("size", _INT64, (), [count(operand)])
    bounds = {attribute.name: attribute.i for attribute in node.attribute}
    part = operand.shape[bounds.get("start", 0) : bounds.get("end")]
    return make_tensor("shape", _INT64, (len(part),), part)


def _evaluated(
    node: NodeProto, values: Mapping[str, TensorProto], opsets: Mapping[str, int]
) -> TensorProto | None:
    """Return the node's output by ONNX's reference, None for operators that it does not have."""
    import numpy as np
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    names = (list(values), list(node.output))
    inputs, outputs = ([helper.make_empty_tensor_value_info(n) for n in part] for part in names)
    model = helper.make_model(
        helper.make_graph([node], "value", inputs, outputs),
        opset_imports=[helper.make_opsetid(domain, opset) for domain, opset in opsets.items()],
    )
    try:
        with np.errstate(all="ignore"):
            arrays = {name: numpy_helper.to_array(value) for name, value in values.items()}
            results: Any = ReferenceEvaluator(model).run(None, arrays)
            found = np.asarray(results[0])
            return numpy_helper.from_array(found) if found.size <= LARGEST_VALUE else None
    except _REFERENCE_ERRORS:
        return None
