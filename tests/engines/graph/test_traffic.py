"""Bytes of activations on graphs over [2, 8] of float32: 64 a tensor, 16 in int8."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.cost import cost

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
FULL, SMALL = 2 * 8 * 4, 2 * 8


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], **attributes)


def weight(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


WEIGHTS = [
    weight("s", 0.1),
    weight("z", 0, np.int8),
    weight("w", np.ones((8, 8))),
    weight("shape", [8, 2], np.int64),
    weight("rows", [0], np.int64),
]


def quantize(source, name):
    return [
        node("QuantizeLinear", [source, "s", "z"], f"{name}.q"),
        node("DequantizeLinear", [f"{name}.q", "s", "z"], name),
    ]


@pytest.fixture
def moved(graph_model):
    def count(*nodes):
        output = {"y": (FLOAT, None)}
        model = graph_model(list(nodes), {"x": (FLOAT, ["n", 8])}, output, weights=WEIGHTS)
        return cost(model, {"x": (2, 8)}).activation_bytes

    return count


def test_a_tensor_is_written_once_and_read_by_each_that_reads_it(moved):
    nodes = [node("Relu", ["x"], "a"), node("Add", ["a", "a"], "b"), node("Mul", ["a", "b"], "y")]
    assert moved(*nodes) == (1 + 1) * FULL + (2 + 1) * FULL + (2 + 1) * FULL


def test_parameters_are_no_activations(moved):
    assert moved(node("MatMul", ["x", "w"], "y")) == 2 * FULL


def test_a_result_that_nothing_reads_is_not_written(moved):
    split = helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2)
    assert moved(split, node("Relu", ["a"], "y")) == FULL // 2 * 2 + FULL // 2 * 2


def test_views_move_nothing(moved):
    nodes = [node("Reshape", ["x", "shape"], "a"), node("Relu", ["a"], "y")]
    assert moved(*nodes) == 2 * FULL
    assert moved(node("Transpose", ["x"], "y")) == 2 * FULL


def test_what_takes_a_part_reads_no_more_than_it_writes(moved):
    assert moved(node("Gather", ["x", "rows"], "y", axis=0)) == 2 * FULL // 2


def test_between_a_quantization_and_its_end_the_small_type_moves(moved):
    nodes = [node("Relu", ["x"], "a"), *quantize("a", "b"), node("MatMul", ["b", "w"], "y")]
    assert moved(*nodes) == (FULL + SMALL) + (SMALL + FULL)


def test_a_view_of_something_quantized_is_as_small(moved):
    nodes = [
        node("Relu", ["x"], "a"),
        *quantize("a", "b"),
        node("Reshape", ["b", "shape"], "c"),
        node("Relu", ["c"], "y"),
    ]
    assert moved(*nodes) == (FULL + SMALL) + (SMALL + FULL)


def test_an_input_is_read_whole_to_be_quantized(moved):
    nodes = [*quantize("x", "a"), node("Relu", ["a"], "y")]
    assert moved(*nodes) == (FULL + SMALL) + (SMALL + FULL)


def test_what_something_else_reads_too_is_written_whole_and_read_to_be_quantized(moved):
    nodes = [
        node("Relu", ["x"], "a"),
        *quantize("a", "b"),
        node("MatMul", ["b", "w"], "c"),
        node("Add", ["a", "c"], "y"),
    ]
    relu, product, total = 2 * FULL, SMALL + FULL, 3 * FULL
    assert moved(*nodes) == relu + (FULL + SMALL) + product + total


def test_an_output_is_written_whole(moved):
    nodes = [node("Relu", ["x"], "a"), *quantize("a", "y")]
    assert moved(*nodes) == (FULL + SMALL) + (SMALL + FULL)


def test_casts_around_a_node_are_part_of_it(moved):
    nodes = [
        node("Cast", ["x"], "a", to=HALF),
        node("Neg", ["a"], "b"),
        node("Abs", ["b"], "c"),
        node("Cast", ["c"], "y", to=FLOAT),
    ]
    assert moved(*nodes) == (FULL + FULL // 2) + (FULL // 2 + FULL)


def test_an_input_that_is_cast_and_quantized_is_still_read(moved):
    nodes = [
        node("Cast", ["x"], "a", to=HALF),
        node("Cast", ["a"], "b", to=FLOAT),
        *quantize("b", "c"),
        node("Relu", ["c"], "y"),
    ]
    assert moved(*nodes) == (FULL + SMALL) + (SMALL + FULL)


def test_a_cast_of_an_input_straight_to_an_output_moves_both(moved):
    assert moved(node("Cast", ["x"], "y", to=HALF)) == FULL + FULL // 2
