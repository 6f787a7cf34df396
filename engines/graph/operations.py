"""How many floating-point operations one node takes, by its operator and the shapes around it.

A multiplication and an addition are two. The rules:

- products (MatMul, Gemm, Conv, Einsum, …): 2 · multiply-adds, a bias 1 per output;
- elementwise operators: 1 per output, whatever the function, since runtimes take exp, erf or tanh
  in different numbers of instructions; Sum, Max, Min and Mean: 1 per operand beyond the first;
- reductions and pooling: 1 per element that goes in, 2 where each is squared or exponentiated too;
- Softmax 5 per element: maximum, difference, exp, sum, quotient;
- LayerNormalization 6: mean, difference, square and sum, product with the deviation's inverse,
  scale; 7 with a bias; RMSNormalization 4; BatchNormalization 2, as its constants fold into two;
- RNN, LSTM, GRU: see `recurrent.py`; Attention: both products, Softmax, scale and mask.

Operators that move, compare integers, convert or quantize take none, nor does arithmetic on
integers, except that of quantized products, which count as their float twins. Operators that are
not here are not guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from engines.graph.recurrent import recurrent
from engines.graph.tensors import count, is_float

if TYPE_CHECKING:
    from engines.graph.tensors import Step

Rule = Callable[["Step"], int | None]

VIEWS = frozenset(("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"))
"""What gives the same elements under another shape or name."""

_MOVERS = (
    "ArgMax ArgMin BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike "
    "CenterCropPad Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape "
    "DepthToSpace DequantizeLinear DynamicQuantizeLinear Expand EyeLike Gather GatherElements "
    "GatherND IsInf IsNaN NonZero Not And Or Xor OneHot Optional OptionalGetElement "
    "OptionalHasElement Pad QuantizeLinear Range ReverseSequence Scatter ScatterElements ScatterND "
    "SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape "
    "Size Slice SpaceToDepth Split SplitToSequence TensorScatter Tile TopK Transpose Trilu Unique "
    "Where"
)
_FREE = VIEWS | frozenset(_MOVERS.split())
_ELEMENTWISE = (
    "Abs Acos Acosh Add Asin Asinh Atan Atanh Ceil Celu Clip Cos Cosh CumSum CumProd Div Elu Equal "
    "Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish LeakyRelu Less LessOrEqual "
    "Log Mish Mod Mul Neg PRelu Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh "
    "Softplus Softsign Sqrt Sub Swish Tan Tanh ThresholdedRelu"
)
_VARIADIC = frozenset(("Sum", "Max", "Min", "Mean"))
_PER_INPUT = {
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"), 1),
    **dict.fromkeys(("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"), 2),
    **dict.fromkeys(("ReduceSumSquare", "GlobalLpPool"), 2),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "Hardmax"), 1),
    **dict.fromkeys(("Softmax", "LogSoftmax", "MeanVarianceNormalization"), 5),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), 7),
    **dict.fromkeys(("BatchNormalization",), 2),
    **dict.fromkeys(("LpNormalization", "RotaryEmbedding"), 3),
    **dict.fromkeys(("RMSNormalization",), 4),
}
_POOLS = {"AveragePool": 1, "MaxPool": 1, "LpPool": 2}
INTEGER_PRODUCTS = {
    "MatMulInteger": (0, 1),
    "ConvInteger": (0, 1),
    "QLinearMatMul": (0, 3),
    "QLinearConv": (0, 3),
    "DynamicQuantizeLSTM": (0, 1, 2),
}
"""Where products of quantized operands have those."""

_MICROSOFT = ("DynamicQuantizeLSTM",)


def flops(step: Step) -> int | None:
    """Return the floating-point operations of one run of a node without bodies, None if unknown."""
    op, domain = step.node.op_type, step.node.domain
    if domain not in ("", "ai.onnx") and op not in _MICROSOFT:
        return None
    if op in _FREE or step.constant:
        return 0
    rule = _RULES.get(op)
    if rule is None or not step.known:
        return None
    if op not in INTEGER_PRODUCTS and not _computes_in_floats(step):
        return 0
    return rule(step)


def _computes_in_floats(step: Step) -> bool:
    return any(t is not None and is_float(t.data_type) for t in (*step.inputs, *step.outputs))


def _results(step: Step) -> int:
    return count(step.outputs[0])


def _variadic(step: Step) -> int:
    more = step.node.op_type == "Mean"
    return (len(step.inputs) - 1 + more) * _results(step)


def _per_input(step: Step) -> int:
    return _PER_INPUT[step.node.op_type] * count(step.inputs[0])


def _layer_norm(step: Step) -> int:
    return (6 + step.has(2)) * count(step.inputs[0])


def _pool(step: Step) -> int:
    kernel: int = prod(step.attributes()["kernel_shape"])
    return _POOLS[step.node.op_type] * kernel * _results(step)


def _resize(step: Step) -> int | None:
    """Return 0 for the nearest element; other ways to interpolate are not counted."""
    return 0 if step.attributes().get("mode", b"nearest") == b"nearest" else None


def _matmul(step: Step) -> int:
    return 2 * step.shape(0)[-1] * _results(step)


def _gemm(step: Step) -> int:
    depth = step.shape(0)[0 if step.attributes().get("transA") else 1]
    return (2 * depth + step.has(2)) * _results(step)


def _conv(step: Step) -> int:
    """Weights are [out, in / group, …]; that is also where QLinearConv has a bias, at the end."""
    weight = INTEGER_PRODUCTS.get(step.node.op_type, (0, 1))[1]
    bias = {"Conv": 2, "QLinearConv": 8}.get(step.node.op_type, len(step.inputs))
    return (2 * prod(step.shape(weight)[1:]) + step.has(bias)) * _results(step)


def _conv_transpose(step: Step) -> int:
    """Each element that goes in is multiplied with [in, out / group, …] of its channel."""
    products = count(step.inputs[0]) * prod(step.shape(1)[1:])
    return 2 * products + step.has(2) * _results(step)


def _einsum(step: Step) -> int | None:
    """Return what one or two operands take; with more the order of products matters."""
    equation = step.attributes()["equation"].decode().replace(" ", "")
    terms, arrow, result = equation.partition("->")
    names = terms.split(",")
    if len(names) > 2 or not arrow or "." in equation:
        return None
    sizes = {
        letter: size
        for place, name in enumerate(names)
        for letter, size in zip(name, step.shape(place), strict=True)
    }
    points = prod(sizes.values())
    summed = set(sizes) != set(result)
    return (len(names) - 1 + summed) * points


def _attention(step: Step) -> int:
    """Return both products, Softmax, the scale of queries and keys' products, and the mask.

    Operands are [batch, heads, length, size] or [batch, length, heads · size]; a causal mask
    saves nothing, as the definition computes what it hides.
    """
    found = step.attributes()
    query, key, value = (step.shape(place) for place in range(3))
    if len(query) == 3:
        heads, key_heads = found["q_num_heads"], found["kv_num_heads"]
        query = (query[0], heads, query[1], query[2] // heads)
        key = (key[0], key_heads, key[1], key[2] // key_heads)
        value = (value[0], key_heads, value[1], value[2] // key_heads)
    past = step.shape(4)[2] if step.has(4) else 0
    scores = prod(query[:3]) * (key[2] + past)
    each = 2 * query[3] + 2 * value[3] + 5 + 1 + step.has(3)
    return scores * each


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE.split(), _results),
    **dict.fromkeys(_VARIADIC, _variadic),
    **dict.fromkeys(_PER_INPUT, _per_input),
    **dict.fromkeys(_POOLS, _pool),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), _matmul),
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), _conv),
    **dict.fromkeys(("RNN", "GRU", "LSTM", "DynamicQuantizeLSTM"), recurrent),
    "Attention": _attention,
    "ConvTranspose": _conv_transpose,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "LayerNormalization": _layer_norm,
    **dict.fromkeys(("Resize", "Upsample"), _resize),
}
