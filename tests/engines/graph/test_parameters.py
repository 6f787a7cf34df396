import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.parameters import parameters
from engines.graph.trace import trace

FLOAT = TensorProto.FLOAT
X, Y = {"x": (FLOAT, [2, 8])}, {"y": (FLOAT, None)}


def node(op, inputs, *outputs, **attributes):
    return helper.make_node(op, inputs, list(outputs), **attributes)


def tensor(name, shape, dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape).astype(dtype), name)


@pytest.fixture
def found(graph_model):
    """Return parameters as name → (type, elements, whether a weight, bytes)."""

    def find(nodes, weights, opset=21):
        model = graph_model(nodes, X, Y, weights=weights, opset=opset)
        return {
            each.name: (
                TensorProto.DataType.Name(each.data_type),
                each.number,
                each.is_weight,
                each.size_bytes,
            )
            for each in parameters(trace(model, {}))
        }

    return find


def test_weights_are_what_products_multiply_with_and_tables_that_are_looked_up(found):
    nodes = [
        node("Gather", ["table", "ids"], "g"),
        node("Add", ["x", "g"], "a"),
        node("Gemm", ["a", "w", "b"], "m"),
        node("Mul", ["m", "mask"], "y"),
    ]
    weights = [
        tensor("table", (9, 8)),
        tensor("ids", (2,), np.int64),
        tensor("w", (8, 4)),
        tensor("b", (4,)),
        tensor("mask", (2, 4)),
    ]
    assert found(nodes, weights) == {
        "table": ("FLOAT", 72, True, 288),
        "ids": ("INT64", 2, False, 16),
        "w": ("FLOAT", 32, True, 128),
        "b": ("FLOAT", 4, False, 16),
        "mask": ("FLOAT", 8, False, 32),
    }


@pytest.mark.parametrize("op", ["RNN", "GRU", "LSTM"])
def test_of_a_recurrent_node_both_matrices_are_weights(found, op):
    rows = {"RNN": 1, "GRU": 3, "LSTM": 4}[op] * 5
    nodes = [
        node("Unsqueeze", ["x", "axis"], "a"),
        node(op, ["a", "w", "r", "b", "", "h"], "y", hidden_size=5),
    ]
    shapes = {"w": (1, rows, 8), "r": (1, rows, 5), "b": (1, 2 * rows), "h": (1, 8, 5)}
    weights = [tensor("axis", (1,), np.int64), *(tensor(n, s) for n, s in shapes.items())]
    assert [name for name, each in found(nodes, weights).items() if each[2]] == ["w", "r"]


def test_four_bits_are_half_a_byte_and_scales_are_no_weights(found):
    nodes = [
        node("DequantizeLinear", ["w", "s"], "d", axis=0, block_size=4),
        node("MatMul", ["x", "d"], "y"),
    ]
    weights = [tensor("w", (8, 3), ml_dtypes.int4), tensor("s", (2, 3))]
    assert found(nodes, weights) == {
        "w": ("INT4", 24, True, 12),
        "s": ("FLOAT", 6, False, 24),
    }


def test_a_float_weight_behind_a_quantization_is_kept_quantized(found):
    nodes = [
        node("Transpose", ["w"], "t"),
        node("QuantizeLinear", ["t", "s", "z"], "q"),
        node("DequantizeLinear", ["q", "s", "z"], "d"),
        node("MatMul", ["x", "d"], "y"),
    ]
    weights = [tensor("w", (3, 8)), tensor("s", ()), tensor("z", (), ml_dtypes.float8_e4m3fn)]
    assert found(nodes, weights)["w"] == ("FLOAT8E4M3FN", 24, True, 24)


def test_a_weight_behind_a_cast_is_kept_as_what_that_makes_of_it(found):
    nodes = [node("Cast", ["w"], "c", to=FLOAT), node("MatMul", ["x", "c"], "y")]
    assert found(nodes, [tensor("w", (8, 3), np.float16)])["w"] == ("FLOAT", 24, True, 96)


def test_a_weight_that_is_read_as_it_is_too_stays_so(found):
    nodes = [
        node("Cast", ["w"], "c", to=TensorProto.FLOAT16),
        node("Cast", ["c"], "d", to=FLOAT),
        node("Add", ["d", "w"], "e"),
        node("MatMul", ["x", "e"], "y"),
    ]
    assert found(nodes, [tensor("w", (8, 3))])["w"] == ("FLOAT", 24, False, 96)


def test_what_is_joined_to_an_activation_is_no_weight_of_the_product_behind(found):
    nodes = [node("Concat", ["x", "token"], "c", axis=0), node("MatMul", ["c", "w"], "y")]
    weights = [tensor("token", (1, 8)), tensor("w", (8, 3))]
    assert [name for name, each in found(nodes, weights).items() if each[2]] == ["w"]


def test_constant_nodes_and_bodies_count_once_each(found):
    held = tensor("", (8, 3), np.float16)
    body = helper.make_graph(
        [
            node("Constant", [], "w", value=held),
            node("Cast", ["w"], "c", to=FLOAT),
            node("MatMul", ["x", "c"], "m"),
            node("Add", ["m", "b"], "o"),
        ],
        "body",
        [],
        [helper.make_tensor_value_info("o", FLOAT, None)],
        initializer=[tensor("b", (3,))],
    )
    nodes = [node("If", ["flag"], "y", then_branch=body, else_branch=body)]
    model = found(nodes, [tensor("flag", (), np.bool_)])
    assert model == {
        "flag": ("BOOL", 1, False, 1),
        "b": ("FLOAT", 3, False, 12),
        "w": ("FLOAT", 24, True, 96),
    }


def test_a_table_of_small_integers_is_no_weight(found):
    nodes = [node("Gather", ["t", "i"], "g"), node("Cast", ["g"], "y", to=FLOAT)]
    weights = [tensor("t", (9,), np.int32), tensor("i", (2,), np.int64)]
    assert [each[2] for each in found(nodes, weights).values()] == [False, False]


def test_a_scale_that_only_a_quantization_reads_stays_a_float(found):
    nodes = [node("QuantizeLinear", ["x", "s"], "q"), node("DequantizeLinear", ["q", "t"], "y")]
    assert found(nodes, [tensor("s", ()), tensor("t", ())])["s"] == ("FLOAT", 1, False, 4)


def test_a_weight_that_is_cast_and_quantized_too_stays_so(found):
    nodes = [
        node("Cast", ["w"], "c", to=TensorProto.FLOAT16),
        node("QuantizeLinear", ["w", "s", "z"], "q"),
        node("Cast", ["c"], "d", to=FLOAT),
        node("DequantizeLinear", ["q", "s", "z"], "e"),
        node("MatMul", ["x", "d"], "a"),
        node("MatMul", ["x", "e"], "b"),
        node("Add", ["a", "b"], "y"),
    ]
    weights = [tensor("w", (8, 3)), tensor("s", ()), tensor("z", (), np.int8)]
    assert found(nodes, weights)["w"] == ("FLOAT", 24, True, 96)


def test_a_weight_that_is_moved_in_two_ways_stays_so(found):
    nodes = [
        node("Transpose", ["w"], "t"),
        node("Cast", ["t"], "h", to=TensorProto.FLOAT16),
        node("Cast", ["h"], "c", to=FLOAT),
        node("Transpose", ["w"], "u"),
        node("MatMul", ["x", "c"], "a"),
        node("MatMul", ["x", "u"], "b"),
        node("Add", ["a", "b"], "y"),
    ]
    assert found(nodes, [tensor("w", (3, 8))])["w"] == ("FLOAT", 24, True, 96)


def test_a_sparse_constant_counts_by_the_values_that_it_holds(graph_model):
    model = graph_model([node("Relu", ["x"], "y")], X, Y)
    places = tensor("places", (2,), np.int64)
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(tensor("w", (2,)), places, [4, 3])
    )

    [each] = parameters(trace(model, {}))
    assert (each.name, each.number, each.size_bytes) == ("w", 2, 8)
