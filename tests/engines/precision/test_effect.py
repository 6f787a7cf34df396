import copy

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.precision.effect import Effect, effect

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
SHAPES = {"x": (2, 8)}
PRODUCT, BIAS = 2 * 4 * 16, 2 * 4
TOTAL = PRODUCT + BIAS


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], **attributes)


def tensor(name, shape, dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape).astype(dtype), name)


def model(nodes, weights, opset=21):
    x = helper.make_tensor_value_info("x", FLOAT, ["batch", 8])
    y = helper.make_tensor_value_info("y", FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], initializer=weights)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


SUM = node("Add", ["m", "b"], "y")
BEFORE = model([node("MatMul", ["x", "w"], "m"), SUM], [tensor("w", (8, 4)), tensor("b", (4,))])
BEFORE_BYTES = 8 * 4 * 4 + 4 * 4


def quantized(dtype, *, activations=True, stored=None):
    """The product quantized; weights are kept in `stored`, by default quantized."""
    stored = dtype if stored is None else stored
    nodes = [
        node("DequantizeLinear", ["wq", "ws"], "wd"),
        node("MatMul", ["xd" if activations else "x", "wd"], "m"),
        SUM,
    ]
    weights = [tensor("ws", ()), tensor("b", (4,))]
    if stored != dtype:
        nodes.insert(0, node("QuantizeLinear", ["w", "ws", "z"], "wq"))
        weights += [tensor("w", (8, 4), stored), tensor("z", (), dtype)]
    else:
        weights += [tensor("wq", (8, 4), stored)]
    if activations:
        nodes.insert(0, node("QuantizeLinear", ["x", "ws", "xz"], "xq"))
        nodes.insert(1, node("DequantizeLinear", ["xq", "ws", "xz"], "xd"))
        weights.append(tensor("xz", (), dtype))
    return model(nodes, weights)


def test_a_graph_that_stays_has_no_effect():
    found = effect(BEFORE, copy.deepcopy(BEFORE), SHAPES, ("nothing to do: node 'a'",))

    assert found == Effect(
        nodes=0,
        all_nodes=2,
        weights={"fp32": 1.0},
        flops={"fp32": 1.0},
        bytes_before=BEFORE_BYTES,
        bytes_after=BEFORE_BYTES,
        kept=("nothing to do: node 'a'",),
    )
    assert not found.changed


def test_nodes_that_are_only_split_are_no_effect():
    gemm = model([node("Gemm", ["x", "w", "b"], "y")], [tensor("w", (8, 4)), tensor("b", (4,))])

    found = effect(gemm, BEFORE, SHAPES)

    assert (found.nodes, found.all_nodes, found.changed) == (0, 2, False)


def test_constants_that_a_rewriting_adds_are_no_effect():
    after = copy.deepcopy(BEFORE)
    after.graph.initializer.append(tensor("more", (5,)))

    found = effect(BEFORE, after, SHAPES)

    assert found.bytes_after == BEFORE_BYTES + 20
    assert not found.changed


@pytest.mark.parametrize(("dtype", "name"), [(np.int8, "int8"), (ml_dtypes.float8_e4m3fn, "fp8")])
def test_a_product_between_quantized_operands_computes_in_their_type(dtype, name):
    found = effect(BEFORE, quantized(dtype), SHAPES)

    assert found == Effect(
        nodes=1,
        all_nodes=2,
        weights={name: 1.0},
        flops={name: PRODUCT / TOTAL, "fp32": BIAS / TOTAL},
        bytes_before=BEFORE_BYTES,
        bytes_after=8 * 4 + 4 * 4 + 4 + 1,
    )
    assert found.changed


def test_float_weights_behind_a_quantization_are_quantized_ones():
    found = effect(BEFORE, quantized(np.int8, stored=np.float32), SHAPES)

    assert (found.nodes, found.weights) == (1, {"int8": 1.0})
    assert found.bytes_after == 8 * 4 + 4 * 4 + 4 + 2


def test_weights_alone_change_what_is_kept_and_not_what_is_computed_in():
    found = effect(BEFORE, quantized(ml_dtypes.int4, activations=False), SHAPES)

    assert (found.nodes, found.flops, found.weights) == (0, {"fp32": 1.0}, {"int4": 1.0})
    assert found.bytes_after == 8 * 4 // 2 + 4 * 4 + 4
    assert found.changed


def test_a_product_computes_in_the_type_of_what_was_moved_once_dequantized():
    after = quantized(np.int8)
    weights = next(each for each in after.graph.initializer if each.name == "wq")
    weights.CopyFrom(tensor("wq", (4, 8), np.int8))
    after.graph.node.insert(3, node("Transpose", ["wd"], "turned"))
    after.graph.node[4].input[1] = "turned"

    assert effect(BEFORE, after, SHAPES).flops["int8"] == PRODUCT / TOTAL


def test_an_activation_alone_does_not_change_what_is_computed_in():
    after = quantized(np.int8)
    after.graph.node[3].input[1] = "w"
    after.graph.initializer.append(tensor("w", (8, 4)))

    assert effect(BEFORE, after, SHAPES).flops == {"fp32": 1.0}


def test_weights_that_were_of_another_type_before_are_no_effect():
    weights = [tensor("w", (8, 4)), tensor("b", (4,)), tensor("table", (3, 2), np.float64)]
    weights.append(numpy_helper.from_array(np.array([0]), "i"))
    looked_up = node("Gather", ["table", "i"], "rows")
    before = model([*BEFORE.graph.node, looked_up], weights)

    found = effect(before, copy.deepcopy(before), SHAPES)

    assert (found.weights.keys(), found.changed) == ({"fp32", "fp64"}, False)


def test_half_precision_changes_every_node():
    after = model(
        [
            node("Cast", ["x"], "xh", to=HALF),
            node("MatMul", ["xh", "w"], "m"),
            node("Add", ["m", "b"], "yh"),
            node("Cast", ["yh"], "y", to=FLOAT),
        ],
        [tensor("w", (8, 4), np.float16), tensor("b", (4,), np.float16)],
    )

    found = effect(BEFORE, after, SHAPES)

    assert (found.nodes, found.all_nodes) == (2, 2)
    assert (found.weights, found.flops) == ({"fp16": 1.0}, {"fp16": 1.0})
    assert found.bytes_after == BEFORE_BYTES // 2


def test_a_product_of_integers_computes_in_integers():
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        node("MatMulInteger", ["q", "w", "qz"], "i"),
        node("Cast", ["i"], "f", to=FLOAT),
        node("Mul", ["f", "qs"], "m"),
        SUM,
    ]
    after = model(nodes, [tensor("w", (8, 4), np.int8), tensor("b", (4,))])

    found = effect(BEFORE, after, SHAPES)

    assert (found.nodes, found.all_nodes) == (1, 3)
    assert found.weights == {"int8": 1.0}
    assert found.flops == {"int8": PRODUCT / (TOTAL + 8), "fp32": 2 * BIAS / (TOTAL + 8)}


def test_of_several_types_the_largest_comes_first():
    before = model(
        [node("MatMul", ["x", "w"], "a"), node("MatMul", ["a", "v"], "y")],
        [tensor("w", (8, 8)), tensor("v", (8, 2))],
    )
    nodes = [
        node("MatMul", ["x", "w"], "a"),
        node("Cast", ["a"], "h", to=HALF),
        node("MatMul", ["h", "v"], "m"),
        node("Cast", ["m"], "y", to=FLOAT),
    ]
    after = model(nodes, [tensor("w", (8, 8)), tensor("v", (8, 2), np.float16)])

    found = effect(before, after, SHAPES)

    assert list(found.weights.items()) == [("fp32", 0.8), ("fp16", 0.2)]
    assert list(found.flops.items()) == [("fp32", 0.8), ("fp16", 0.2)]


def test_a_node_in_a_body_is_one_and_computes_on_each_trip():
    def scan(kind, weight):
        body = helper.make_graph(
            [node("Cast", ["row"], "c", to=kind), node("MatMul", ["c", "w"], "o")],
            "body",
            [helper.make_tensor_value_info("row", FLOAT, None)],
            [helper.make_tensor_value_info("o", kind, None)],
        )
        nodes = [node("Scan", ["x"], "s", body=body, num_scan_inputs=1)]
        nodes += [node("Cast", ["s"], "f", to=FLOAT), node("Neg", ["f"], "y")]
        return model(nodes, [weight])

    after = scan(HALF, tensor("w", (8, 4), np.float16))
    found = effect(scan(FLOAT, tensor("w", (8, 4))), after, SHAPES)

    assert (found.nodes, found.all_nodes, found.weights) == (1, 2, {"fp16": 1.0})
    assert found.flops == {"fp16": PRODUCT / TOTAL, "fp32": BIAS / TOTAL}


def test_a_changed_node_of_unknown_size_counts_as_a_node():
    after = model(
        [
            node("Cast", ["x"], "xh", to=HALF),
            node("MatMul", ["xh", "w"], "m"),
            node("Cast", ["m"], "y", to=FLOAT),
        ],
        [tensor("w", (8, 4), np.float16)],
    )
    found = effect(BEFORE, after, {})

    assert (found.nodes, found.all_nodes, found.flops) == (1, 1, {})


def lstm(*, quantized, state=FLOAT):
    """An LSTM of 8 inputs and 4 states over 5 steps, its input and weights through Q/DQ or not."""
    x = helper.make_tensor_value_info("x", state, [5, "batch", 8])
    y = helper.make_tensor_value_info("y", state, None)
    kind = np.float16 if state == HALF else np.float32
    weights = [tensor("w", (1, 16, 8), kind), tensor("r", (1, 16, 4), kind)]
    names, nodes = ["x", "w", "r"], []
    if quantized:
        weights += [tensor("s", (), kind), tensor("z", (), np.int8)]
        for name in names:
            nodes.append(node("QuantizeLinear", [name, "s", "z"], f"{name}q"))
            nodes.append(node("DequantizeLinear", [f"{name}q", "s", "z"], f"{name}d"))
        names = ["xd", "wd", "rd"]
    nodes.append(node("LSTM", names, "y", hidden_size=4))
    graph = helper.make_graph(nodes, "g", [x], [y], initializer=weights)
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


@pytest.mark.parametrize(("state", "name"), [(FLOAT, "fp32"), (HALF, "fp16")])
def test_of_a_recurrent_operator_only_products_with_the_input_are_quantized(state, name):
    found = effect(lstm(quantized=False), lstm(quantized=True, state=state), {"x": (5, 2, 8)})

    gates, states, mixing = 4, 5 * 2 * 4, 5
    of_input = 2 * 8 * gates * states
    rest = (2 * 4 + 1 + 1) * gates * states + mixing * states
    assert found.flops == {
        "int8": of_input / (of_input + rest),
        name: rest / (of_input + rest),
    }
    assert (found.nodes, found.weights) == (1, {"int8": 1.0})


def test_a_recurrent_operator_in_halves_has_one_type():
    found = effect(lstm(quantized=False), lstm(quantized=False, state=HALF), {"x": (5, 2, 8)})

    assert (found.nodes, found.flops) == (1, {"fp16": 1.0})


def test_a_recurrent_operator_in_a_body_computes_on_each_trip():
    def scan(cell):
        graph = cell.graph
        body = helper.make_graph(
            list(graph.node), "body", list(graph.input), list(graph.output), list(graph.initializer)
        )
        x = helper.make_tensor_value_info("xs", FLOAT, [3, 5, 2, 8])
        y = helper.make_tensor_value_info("ys", FLOAT, None)
        nodes = [node("Scan", ["xs"], "ys", body=body, num_scan_inputs=1)]
        outer = helper.make_graph(nodes, "g", [x], [y])
        return helper.make_model(outer, opset_imports=cell.opset_import, ir_version=10)

    once = effect(lstm(quantized=False), lstm(quantized=True), {"x": (5, 2, 8)})
    after = scan(lstm(quantized=True))
    thrice = effect(scan(lstm(quantized=False)), after, {"xs": (3, 5, 2, 8)})

    assert thrice.flops == once.flops


def test_a_recurrent_operator_of_integers_computes_in_the_type_of_its_weights():
    names = ["x", "w", "r", "", "", "", "", "", "s", "z", "s", "z"]
    cell = node("DynamicQuantizeLSTM", names, "y", hidden_size=4, domain="com.microsoft")
    after = lstm(quantized=False)
    del after.graph.node[:]
    after.graph.node.append(cell)
    del after.graph.initializer[:]
    after.graph.initializer.extend(
        [
            tensor("w", (1, 8, 16), np.int8),
            tensor("r", (1, 4, 16), np.int8),
            tensor("s", (1, 16)),
            tensor("z", (1, 16), np.int8),
        ]
    )
    after.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    found = effect(lstm(quantized=False), after, {"x": (5, 2, 8)})

    assert (found.nodes, found.flops, found.weights) == (1, {"int8": 1.0}, {"int8": 1.0})
