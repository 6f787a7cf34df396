"""The built-in models' costs beside formulas derived by hand from their parameters."""

import copy

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.cost import Cost, cost
from engines.graph.weights import weights_bytes
from suites.models.builtin import builtins, get, resolve

FLOAT = TensorProto.FLOAT
BATCH, SEQUENCE = 3, 12


def dense(rows, inputs, outputs):
    """A product with a bias: 2 · inputs operations an output, and one for the bias."""
    return rows * outputs * (2 * inputs + 1)


def rnn(p):
    state = 2 * (p["features"] + p["hidden"]) + 3  # sum of both products, bias, tanh
    return BATCH * SEQUENCE * p["hidden"] * state + dense(BATCH, p["hidden"], p["classes"])


def lstm(p):
    size, total = p["features"], 0
    for _ in range(p["layers"]):
        # four gates as in an RNN; f·c + i·g, its tanh, and the product with o
        state = 4 * (2 * (size + p["hidden"]) + 3) + 5
        total += BATCH * SEQUENCE * p["hidden"] * state
        size = p["hidden"]
    return total + dense(BATCH, p["hidden"], p["classes"])


def gru(p):
    # three gates, a second bias in the last; r·h, and (1 − z)·n + z·h
    state = 3 * (2 * (p["features"] + p["hidden"]) + 3) + 1 + 5
    return BATCH * SEQUENCE * p["hidden"] * state + dense(BATCH, p["hidden"], p["classes"])


def bilstm(p):
    state = 4 * (2 * (p["width"] + p["hidden"]) + 3) + 5
    both = 2 * BATCH * SEQUENCE * p["hidden"] * state
    return both + dense(BATCH, 2 * p["hidden"], p["classes"])


def mlp(p):
    total, size = 0, p["features"]
    for _ in range(p["layers"]):
        total += dense(BATCH, size, p["hidden"]) + BATCH * p["hidden"]  # and the ReLU
        size = p["hidden"]
    return total + dense(BATCH, size, p["classes"])


def conv(side, inputs, outputs, kernel=3):
    return dense(BATCH * side * side, inputs * kernel * kernel, outputs)


def relu(side, channels):
    return BATCH * side * side * channels


def cnn(p):
    side, size = p["image"] // 2, p["width"]
    total = conv(side, 3, size) + relu(side, size)
    for stage in range(3):
        for block in range(p["blocks"]):
            before = size
            if stage > 0 and block == 0:
                side, size = side // 2, 2 * size
                total += conv(side, before, size, kernel=1)
            total += conv(side, before, size) + conv(side, size, size)
            total += 3 * relu(side, size)  # two ReLUs and the sum
    return total + relu(side, size) + dense(BATCH, size, p["classes"])  # the pool reads all


def separable(side, inputs, outputs):
    depthwise = dense(BATCH * side * side, 9, inputs) + relu(side, inputs)
    return depthwise + conv(side, inputs, outputs, kernel=1) + relu(side, outputs)


def detector(p):
    side, size = p["image"] // 2, p["width"]
    total = conv(side, 3, size) + relu(side, size)
    for stage in (2, 3, 4, 5):
        side //= 2
        total += separable(side, size, 2 * size)
        size *= 2
        total += separable(side, size, size)
        if stage > 2:
            total += conv(side, size, p["anchors"] * p["classes"])
            total += conv(side, size, p["anchors"] * 4)
    return total


def transformer(p):
    rows, width, wide = BATCH * SEQUENCE, p["width"], p["feedforward"]
    scores = BATCH * p["heads"] * SEQUENCE * SEQUENCE
    norm = 7 * rows * width
    attention = 4 * dense(rows, width, width) + rows * width  # queries are scaled
    attention += 2 * scores * 2 * (width // p["heads"])  # both products of heads
    attention += scores + 5 * scores  # the mask and Softmax
    forward = dense(rows, width, wide) + rows * wide + dense(rows, wide, width)  # with Gelu
    layer = 2 * norm + attention + forward + 2 * rows * width  # both residual sums
    return rows * width + p["layers"] * layer + norm + dense(rows, width, p["classes"])


def matmul_peak(p):
    return 2 * BATCH * p["rows"] * p["size"] * p["size"]


def copy_peak(p):
    return BATCH * p["elements"]


FORMULAS = {
    "rnn": (rnn, {}),
    "lstm": (lstm, {"layers": 2}),
    "gru": (gru, {}),
    "stacked-lstm": (lstm, {}),
    "bilstm-text": (bilstm, {}),
    "mlp": (mlp, {}),
    "cnn": (cnn, {}),
    "detector": (detector, {}),
    "transformer": (transformer, {"layers": 3}),
    "matmul-peak": (matmul_peak, {"rows": 8}),
    "copy-peak": (copy_peak, {}),
}


def built(name, params):
    builtin = get(name)
    given = resolve(builtin, params)
    sizes = {"batch": BATCH, "sequence": SEQUENCE}
    shapes = {
        spec.name: tuple(sizes.get(dim, dim) for dim in spec.dims)
        for spec in builtin.signature(given).inputs
    }
    return builtin.build(given), shapes, given


@pytest.mark.parametrize("name", builtins())
def test_a_built_in_costs_what_its_parameters_say(name):
    formula, params = FORMULAS[name]
    model, shapes, given = built(name, params)

    found = cost(model, shapes)

    assert found.flops == formula(given)
    assert found.parameter_bytes == weights_bytes(model)
    assert found.uncounted == {}


def test_a_product_reads_its_input_and_weight_and_writes_its_output():
    model, shapes, _ = built("matmul-peak", {"rows": 4, "size": 16})

    assert cost(model, shapes) == Cost(
        flops=2 * BATCH * 4 * 16 * 16,
        parameter_bytes=16 * 16 * 4,
        activation_bytes=2 * BATCH * 4 * 16 * 4,
        uncounted={},
    )


def test_the_model_stays_as_it_is():
    model, shapes, _ = built("transformer", {})
    before = copy.deepcopy(model)

    cost(model, shapes)

    assert model == before


def test_weights_outside_the_file_count_without_being_read():
    model, shapes, _ = built("mlp", {})
    inside = cost(model, shapes)
    for tensor in model.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL

    assert cost(model, shapes) == inside


def node(kind, inputs, *outputs, **attributes):
    return helper.make_node(kind, inputs, list(outputs), **attributes)


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def ones(name, *shape):
    return constant(name, np.ones(shape, np.float32))


X = {"x": (FLOAT, ["batch", 8])}
Y = {"y": (FLOAT, None)}
SHAPES = {"x": (5, 8)}


def cost_of(graph_model, nodes, *, weights=(), inputs=X, shapes=SHAPES, **more):
    return cost(graph_model(nodes, inputs, Y, weights=weights, **more), shapes)


def test_what_is_not_known_is_told_by_operator_and_in_no_sum(graph_model):
    nodes = [
        node("Relu", ["x"], "a"),
        node("Odd", ["a"], "b", domain="com.example"),
        node("Relu", ["b"], "c"),
        node("NonZero", ["x"], "d"),
        node("Odd", ["x"], "y", domain="com.example"),
    ]

    found = cost_of(graph_model, nodes, domains=["com.example"])

    assert found.flops == 5 * 8
    assert found.uncounted == {"NonZero": 1, "Odd": 2, "Relu": 1}


def test_what_follows_from_weights_alone_costs_nothing(graph_model):
    nodes = [
        node("Exp", ["w"], "e"),
        node("Transpose", ["e"], "t"),
        node("MatMul", ["x", "t"], "y"),
    ]

    found = cost_of(graph_model, nodes, weights=[ones("w", 4, 8)])

    assert found.flops == 5 * 4 * 2 * 8
    assert found.activation_bytes == 4 * (5 * 8 + 5 * 4)


def test_what_follows_from_weights_alone_is_known_whatever_makes_it(graph_model):
    nodes = [node("Odd", ["w"], "o", domain="com.example"), node("Relu", ["x"], "y")]
    weights = [constant("w", np.eye(3, dtype=np.float32))]

    found = cost_of(graph_model, nodes, weights=weights, domains=["com.example"])

    assert found.uncounted == {}


def test_random_numbers_are_no_constants(graph_model):
    nodes = [
        node("RandomNormal", [], "r", shape=[5, 8]),
        node("Add", ["x", "r"], "y"),
    ]

    found = cost_of(graph_model, nodes)

    assert (found.flops, found.uncounted) == (5 * 8, {"RandomNormal": 1})


def test_a_shape_that_the_graph_computes_is_followed(graph_model):
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "first"], "rows", axis=0),
        node("Unsqueeze", ["rows", "zero"], "rows1"),
        node("Div", ["rows1", "five"], "one"),
        node("Concat", ["one", "rest"], "target", axis=0),
        node("Reshape", ["x", "target"], "y0"),
        node("Softmax", ["y0"], "y"),
    ]
    numbers = {"first": 0, "zero": [0], "five": [5], "rest": [-1]}
    weights = [constant(name, np.array(value, np.int64)) for name, value in numbers.items()]

    found = cost_of(graph_model, nodes, weights=weights)

    assert (found.flops, found.uncounted) == (5 * 5 * 8, {})


def test_sizes_that_constant_nodes_hold_are_read(graph_model):
    nodes = [
        node("Constant", [], "two", value_int=2),
        node("Constant", [], "target", value_ints=[-1, 4]),
        node("Constant", [], "scale", value_float=0.5),
        node("Size", ["x"], "size"),
        node("Div", ["size", "two"], "half"),
        node("Unsqueeze", ["half", "zero"], "length"),
        node("Expand", ["scale", "length"], "ramp"),
        node("RandomNormalLike", ["ramp"], "noise"),
        node("Abs", ["noise"], "a"),
        node("Reshape", ["x", "target"], "rows"),
        node("Neg", ["rows"], "n"),
        node("Softmax", ["n"], "y", axis=0),
    ]

    found = cost_of(graph_model, nodes, weights=[constant("zero", np.array([0]))])

    assert found.flops == 20 + 6 * 5 * 8
    assert found.uncounted == {"RandomNormalLike": 1}


def test_sparse_weights_count_what_they_hold(graph_model):
    values, indices = ones("w", 3), constant("i", np.array([0, 9, 40]))
    model = graph_model([node("MatMul", ["x", "w"], "y")], X, Y)
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [8, 6]))

    found = cost(model, SHAPES)

    assert (found.flops, found.parameter_bytes) == (5 * 6 * 2 * 8, 3 * 4)


def test_a_function_of_the_model_counts_as_its_body(graph_model):
    model = graph_model(
        [node("Twice", ["x"], "a", domain="mine"), node("MatMul", ["a", "w"], "y")],
        X,
        Y,
        weights=[ones("w", 8, 2)],
        domains=["mine"],
    )
    body = [node("Add", ["p", "p"], "q"), node("Relu", ["q"], "r")]
    opset = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("mine", "Twice", ["p"], ["r"], body, opset))

    found = cost(model, SHAPES)

    assert (found.flops, found.uncounted) == (2 * 5 * 8 + 5 * 2 * 2 * 8, {})
    assert found.parameter_bytes == 8 * 2 * 4


def test_an_opset_by_its_long_name_is_the_same(graph_model):
    model = graph_model([node("Relu", ["x"], "y")], X, Y)
    model.opset_import[0].domain = "ai.onnx"

    assert cost(model, SHAPES).flops == 5 * 8


def test_an_input_that_nobody_sized_has_the_size_of_the_file(graph_model):
    model = graph_model([node("Relu", ["x"], "y")], {"x": (FLOAT, [2, 8])}, Y)

    assert cost(model, {}).flops == 2 * 8


def test_an_input_of_unknown_size_leaves_nodes_uncounted(graph_model):
    model = graph_model([node("Relu", ["x"], "y")], X, Y)

    assert cost(model, {}) == Cost(
        flops=0, parameter_bytes=0, activation_bytes=0, uncounted={"Relu": 1}
    )
