"""Operations of single nodes beside figures written out by hand."""

import numpy as np
import pytest
from onnx import TensorProto, defs, helper

from engines.graph.cost import cost

FLOAT, INT64, INT8, UINT8, INT32 = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT32,
)


def flops_of(graph_model, op, shapes, *, kinds=(), outputs=1, opset=23, domain="", **attributes):
    """Return the operations of one node whose operands all are inputs, None where unknown."""
    names = [f"x{i}" if shape is not None else "" for i, shape in enumerate(shapes)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    given = dict(zip(names, shapes, strict=True))
    given.pop("", None)
    types = dict(zip(given, kinds or [FLOAT] * len(given), strict=True))
    inputs = {name: (types[name], list(shape)) for name, shape in given.items()}
    domains = [domain] if domain else []
    model = graph_model([node], inputs, {"y0": (FLOAT, None)}, opset=opset, domains=domains)
    found = cost(model, {name: tuple(shape) for name, shape in given.items()})
    return None if found.uncounted else found.flops


NODES = {
    "a product of matrices in a batch": ("MatMul", [(7, 2, 3), (3, 5)], {}, 7 * 2 * 5 * 6),
    "a vector's product": ("MatMul", [(3,), (3, 5)], {}, 5 * 6),
    "Gemm without a bias": ("Gemm", [(2, 3), (3, 5)], {}, 2 * 5 * 6),
    "a transposed Gemm with one": (
        "Gemm",
        [(3, 2), (5, 3), (5,)],
        {"transA": 1, "transB": 1},
        2 * 5 * 7,
    ),
    "a grouped convolution": (
        "Conv",
        [(2, 6, 8, 8), (9, 2, 3, 3), (9,)],
        {"group": 3},
        2 * 9 * 6 * 6 * (2 * 2 * 9 + 1),
    ),
    "a strided convolution of a sequence": (
        "Conv",
        [(1, 4, 9), (5, 4, 3)],
        {"strides": [2]},
        5 * 4 * (2 * 4 * 3),
    ),
    "a transposed convolution": (
        "ConvTranspose",
        [(2, 3, 4, 4), (3, 5, 2, 2), (5,)],
        {"strides": [2, 2]},
        2 * 3 * 16 * 2 * 5 * 4 + 2 * 5 * 8 * 8,
    ),
    "a sum of products": ("Einsum", [(2, 3), (3, 4)], {"equation": "ij, jk -> ik"}, 2 * 24),
    "an outer product": ("Einsum", [(2,), (3,)], {"equation": "i,j->ij"}, 6),
    "a transposition": ("Einsum", [(2, 3)], {"equation": "ij->ji"}, 0),
    "any batch": ("Einsum", [(2, 3), (3, 4)], {"equation": "...j,jk->...k"}, None),
    "three factors": ("Einsum", [(2,), (2,), (2,)], {"equation": "i,i,i->i"}, None),
    "a broadcast sum": ("Add", [(4, 1), (3,)], {}, 12),
    "a function": ("Gelu", [(4, 3)], {}, 12),
    "three terms": ("Sum", [(4,), (4,), (4,)], {}, 8),
    "a mean of three": ("Mean", [(4,), (4,), (4,)], {}, 12),
    "a mean over an axis": ("ReduceMean", [(4, 3)], {}, 12),
    "a root of squares": ("ReduceL2", [(4, 3)], {}, 24),
    "Softmax": ("Softmax", [(4, 3)], {}, 60),
    "LayerNormalization": ("LayerNormalization", [(4, 3), (3,)], {}, 72),
    "LayerNormalization with a bias": ("LayerNormalization", [(4, 3), (3,), (3,)], {}, 84),
    "RMSNormalization": ("RMSNormalization", [(4, 3), (3,)], {}, 48),
    "BatchNormalization": ("BatchNormalization", [(2, 3, 4), (3,), (3,), (3,), (3,)], {}, 48),
    "GroupNormalization": ("GroupNormalization", [(2, 4, 3), (4,), (4,)], {"num_groups": 2}, 168),
    "MeanVarianceNormalization": ("MeanVarianceNormalization", [(2, 3, 4, 1)], {}, 120),
    "a comparison": ("GreaterOrEqual", [(4, 1), (3,)], {}, 12),
    "a pool": ("MaxPool", [(1, 2, 6, 6)], {"kernel_shape": [2, 3], "strides": [2, 3]}, 72),
    "a pool of everything": ("GlobalAveragePool", [(1, 2, 6, 6)], {}, 72),
    "a transposition of axes": ("Transpose", [(4, 3)], {}, 0),
    "a cast": ("Cast", [(4, 3)], {"to": TensorProto.FLOAT16}, 0),
    "a Fourier transform": ("DFT", [(1, 8, 1)], {"onesided": 1}, None),
}


@pytest.mark.parametrize("what", NODES)
def test_an_operator_counts_by_its_rule(what, graph_model):
    op, shapes, attributes, expected = NODES[what]
    assert flops_of(graph_model, op, shapes, **attributes) == expected


def attention(queries, keys, size, value_size, *, mask=0):
    return queries * keys * (2 * size + 2 * value_size + 5 + 1 + mask)


def test_attention_is_both_products_with_scale_mask_and_softmax(graph_model):
    shapes = [(2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 6)]
    assert flops_of(graph_model, "Attention", shapes) == 2 * 4 * attention(5, 7, 8, 6)
    with_mask = flops_of(graph_model, "Attention", [*shapes, (5, 7)])
    assert with_mask == 2 * 4 * attention(5, 7, 8, 6, mask=1)


def test_attention_of_joined_heads_is_the_same(graph_model):
    found = flops_of(
        graph_model,
        "Attention",
        [(2, 5, 32), (2, 7, 16), (2, 7, 12)],
        q_num_heads=4,
        kv_num_heads=2,
    )
    assert found == 2 * 4 * attention(5, 7, 8, 6)


def test_attention_reads_the_past_too(graph_model):
    past = (2, 4, 3, 8)
    shapes = [(2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 8), None, past, past]
    found = flops_of(graph_model, "Attention", shapes, outputs=3)
    assert found == 2 * 4 * attention(5, 7 + 3, 8, 8)


LENGTH, BATCH, SIZE, HIDDEN = 5, 2, 3, 4
PRODUCTS = 2 * (SIZE + HIDDEN)
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
STATE = {  # of one element of the state, without a bias: the sum of both products, the activation
    "RNN": 1 * (PRODUCTS + 2),
    "GRU": 3 * (PRODUCTS + 2) + 5,
    "LSTM": 4 * (PRODUCTS + 2) + 5,
}


def recurrent_shapes(op, directions, *, bias):
    rows = GATES[op] * HIDDEN
    shapes = [(LENGTH, BATCH, SIZE), (directions, rows, SIZE), (directions, rows, HIDDEN)]
    return [*shapes, (directions, 2 * rows)] if bias else shapes


@pytest.mark.parametrize("bias", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("op", GATES)
def test_a_recurrent_node_counts_its_gates_in_every_direction(graph_model, op, direction, bias):
    directions = 2 if direction == "bidirectional" else 1
    shapes = recurrent_shapes(op, directions, bias=bias)
    found = flops_of(graph_model, op, shapes, hidden_size=HIDDEN, direction=direction)
    each = STATE[op] + (GATES[op] if bias else 0)
    assert found == directions * LENGTH * BATCH * HIDDEN * each


def test_a_gru_that_resets_last_has_one_more_bias(graph_model):
    more = {"hidden_size": HIDDEN, "linear_before_reset": 1}
    elements = LENGTH * BATCH * HIDDEN
    bare, biased = (recurrent_shapes("GRU", 1, bias=bias) for bias in (False, True))
    assert flops_of(graph_model, "GRU", bare, **more) == elements * STATE["GRU"]
    assert flops_of(graph_model, "GRU", biased, **more) == elements * (STATE["GRU"] + 4)


def test_peepholes_are_a_product_and_a_sum_in_three_gates(graph_model):
    shapes = [*recurrent_shapes("LSTM", 1, bias=False), *[None] * 4, (1, 3 * HIDDEN)]
    found = flops_of(graph_model, "LSTM", shapes, hidden_size=HIDDEN)
    assert found == LENGTH * BATCH * HIDDEN * (STATE["LSTM"] + 6)


def test_rows_by_batch_first_are_the_same(graph_model):
    shapes = recurrent_shapes("LSTM", 1, bias=False)
    shapes[0] = (BATCH, LENGTH, SIZE)
    found = flops_of(graph_model, "LSTM", shapes, hidden_size=HIDDEN, layout=1)
    assert found == LENGTH * BATCH * HIDDEN * STATE["LSTM"]


def test_arithmetic_on_integers_takes_none(graph_model):
    kinds = [INT64, INT64]
    assert flops_of(graph_model, "Mul", [(4, 3), (3,)], kinds=kinds) == 0
    assert flops_of(graph_model, "MatMul", [(4, 3), (3, 2)], kinds=kinds) == 0


def test_products_of_quantized_operands_count_as_their_float_twins(graph_model):
    found = flops_of(graph_model, "MatMulInteger", [(2, 3), (3, 5)], kinds=[UINT8, INT8])
    assert found == 2 * 5 * 6
    image, weight = (2, 3, 8, 8), (9, 3, 3, 3)
    assert (
        flops_of(graph_model, "ConvInteger", [image, weight], kinds=[UINT8, INT8])
        == 2 * 9 * 36 * 54
    )
    scalar = ()
    assert (
        flops_of(
            graph_model,
            "QLinearMatMul",
            [(2, 3), scalar, scalar, (3, 5), scalar, scalar, scalar, scalar],
            kinds=[INT8, FLOAT, INT8, INT8, FLOAT, INT8, FLOAT, INT8],
        )
        == 2 * 5 * 6
    )
    shapes = [image, scalar, scalar, weight, *[scalar] * 4]
    kinds = [INT8, FLOAT, INT8, INT8, FLOAT, INT8, FLOAT, INT8]
    plain = flops_of(graph_model, "QLinearConv", shapes, kinds=kinds)
    biased = flops_of(graph_model, "QLinearConv", [*shapes, (9,)], kinds=[*kinds, INT32])
    assert (plain, biased) == (2 * 9 * 36 * 54, 2 * 9 * 36 * (54 + 1))


def test_a_dynamically_quantized_lstm_counts_as_an_lstm(graph_model):
    rows = (1, SIZE, 4 * HIDDEN), (1, HIDDEN, 4 * HIDDEN)
    shapes = [(LENGTH, BATCH, SIZE), *rows, (1, 8 * HIDDEN), *[None] * 4, (1,), (1,), (1,), (1,)]
    found = flops_of(
        graph_model,
        "DynamicQuantizeLSTM",
        shapes,
        kinds=[FLOAT, INT8, INT8, FLOAT, FLOAT, INT8, FLOAT, INT8],
        domain="com.microsoft",
        hidden_size=HIDDEN,
    )
    assert found == LENGTH * BATCH * HIDDEN * (STATE["LSTM"] + 4)


@pytest.mark.parametrize(("mode", "expected"), [("nearest", 0), ("linear", None)])
def test_of_the_ways_to_resize_the_nearest_element_is_free(graph_model, mode, expected):
    scales = helper.make_tensor("scales", FLOAT, [4], np.array([1, 1, 2, 2], np.float32))
    node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode=mode)
    inputs = {"x": (FLOAT, [1, 1, 2, 2])}
    model = graph_model([node], inputs, {"y": (FLOAT, None)}, weights=[scales])
    found = cost(model, {"x": (1, 1, 2, 2)})
    assert (None if found.uncounted else found.flops) == expected


def test_rules_are_for_operators_that_onnx_has():
    from engines.graph import operations

    known = {schema.name for schema in defs.get_all_schemas_with_history() if not schema.domain}
    ours = {*operations._FREE, *operations._RULES} - {"DynamicQuantizeLSTM"}
    assert ours - known == set()
