"""What rewriting recurrent operators does to the graph around them."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.precision.scan.as_scan import Left, as_scan

HIDDEN = 2


def tensor(name, *shape):
    return numpy_helper.from_array(np.full(shape, 0.25, np.float32), name)


def value(name, *dims):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


WEIGHTS = (tensor("W", 1, HIDDEN, HIDDEN), tensor("R", 1, HIDDEN, HIDDEN))


def rnn(x="x", y_h="last", *, name="", inputs=("W", "R"), **attributes):
    return helper.make_node(
        "RNN", [x, *inputs], ["", y_h], name=name, **{"hidden_size": HIDDEN, **attributes}
    )


def model_of(*nodes, weights=WEIGHTS, extra_inputs=(), outputs=("last",)):
    graph = helper.make_graph(
        list(nodes),
        "g",
        [value("x", "sequence", "batch", HIDDEN), *extra_inputs],
        [value(name, *(f"{name}_{i}" for i in range(3))) for name in outputs],
        list(weights),
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def rewrite(model):
    scanned = as_scan(model)
    onnx.checker.check_model(model, full_check=True)
    return scanned


def initializers(model):
    return [tensor.name for tensor in model.graph.initializer]


def test_scans_are_named_after_the_node_with_its_initial_state():
    state = value("h0", 1, "batch", HIDDEN)
    node = rnn(name="layer", inputs=("W", "R", "", "", "h0"))
    scanned = rewrite(model_of(node, extra_inputs=[state]))
    assert scanned.initial_h == {"layer.scan.forward.scan": "h0"}
    assert scanned.left == ()


def test_a_node_without_a_name_is_called_by_its_output():
    assert rewrite(model_of(rnn())).initial_h == {"last.scan.forward.scan": ""}


def test_names_that_the_graph_has_already_are_not_given_again():
    first = rnn(name="layer", y_h="first")
    second = rnn(name="layer", y_h="last")
    squeeze = helper.make_node("Identity", ["first"], ["layer.scan.forward.W"], name="i")
    model = model_of(first, second, squeeze, outputs=("last", "layer.scan.forward.W"))
    assert list(rewrite(model).initial_h) == [
        "layer.scan_2.forward.scan",
        "layer.scan_3.forward.scan",
    ]


def test_the_weights_of_a_rewritten_node_leave_the_file():
    model = model_of(rnn())
    rewrite(model)
    assert not {"W", "R"} & set(initializers(model))
    assert {"last.scan.forward.W", "last.scan.hidden"} <= set(initializers(model))


def test_weights_that_something_else_reads_stay():
    other = helper.make_node("Identity", ["R"], ["same"])
    model = model_of(rnn(), other, outputs=("last", "same"))
    rewrite(model)
    assert "R" in initializers(model)
    assert "W" not in initializers(model)


def test_weights_of_constant_nodes_are_read_and_leave_the_graph():
    constants = [
        helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in WEIGHTS
    ]
    model = model_of(*constants, rnn(), weights=())
    assert list(rewrite(model).initial_h) == ["last.scan.forward.scan"]
    assert "Constant" not in {node.op_type for node in model.graph.node}


def test_the_same_graph_gives_the_same_bytes():
    models = [model_of(rnn(name="a", y_h="middle"), rnn("middle", name="b")) for _ in range(2)]
    for model in models:
        rewrite(model)
    first, second = (model.SerializeToString() for model in models)
    assert first == second


LENGTHS = helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"])
LEFT = {
    "expected no sequence_lens, got 'lengths'": (
        {"inputs": ("W", "R", "", "lengths")},
        {"extra_inputs": [LENGTHS]},
    ),
    "expected the activations Tanh, got Relu": ({"activations": ["Relu"]}, {}),
    "expected no clip, got 3": ({"clip": 3.0}, {}),
    "expected constant weights, got 'W', which the graph computes": (
        {},
        {"weights": WEIGHTS[1:], "extra_inputs": [value("W", 1, HIDDEN, HIDDEN)]},
    ),
}


@pytest.mark.parametrize("reason", LEFT)
def test_what_a_scan_does_not_do_stays_one_operator(reason):
    of_node, of_model = LEFT[reason]
    model = model_of(rnn(name="layer", **of_node), **of_model)
    before = model.SerializeToString()
    scanned = rewrite(model)
    assert scanned.left == (Left(node="node 'layer' (RNN)", reason=reason),)
    assert scanned.initial_h == {}
    assert model.SerializeToString() == before


def lstm(**attributes):
    weights = (tensor("W", 1, 4 * HIDDEN, HIDDEN), tensor("R", 1, 4 * HIDDEN, HIDDEN))
    inputs = ["x", "W", "R", *attributes.pop("more", ())]
    node = helper.make_node("LSTM", inputs, ["", "last"], hidden_size=HIDDEN, **attributes)
    return model_of(node, weights=(*weights, tensor("P", 1, 3 * HIDDEN)))


def test_peepholes_and_a_coupled_forget_gate_stay_one_operator():
    peepholes = rewrite(lstm(more=("", "", "", "", "P")))
    coupled = rewrite(lstm(input_forget=1))
    assert [left.reason for left in (*peepholes.left, *coupled.left)] == [
        "expected no peepholes, got 'P'",
        "expected no input_forget, got 1",
    ]


def test_default_activations_of_both_directions_may_be_spelled_out():
    ways = [numpy_helper.from_array(np.full((2, 2, 2), 0.25, np.float32), name) for name in "WR"]
    node = rnn(direction="bidirectional", activations=["Tanh", "Tanh"])
    assert rewrite(model_of(node, weights=ways)).left == ()


def test_default_activations_may_be_spelled_out():
    model = lstm(activations=["Sigmoid", "Tanh", "Tanh"])
    assert list(rewrite(model).initial_h) == ["last.scan.forward.scan"]


def test_weights_in_half_precision_stay():
    half = [
        numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name)
        for weight in WEIGHTS
    ]
    scanned = as_scan(model_of(rnn(), weights=half))
    assert [left.reason for left in scanned.left] == [
        "expected float32 weights, got float16 in 'W'"
    ]


def test_nodes_in_the_body_of_another_stay():
    body = helper.make_graph([rnn(name="inner", y_h="out")], "b", [], [value("out", 1, "b", 2)])
    test = helper.make_tensor_value_info("test", TensorProto.BOOL, [])
    choice = helper.make_node(
        "If", ["test"], ["last"], name="choice", then_branch=body, else_branch=body
    )
    model = model_of(choice, extra_inputs=[test])
    before = model.SerializeToString()
    assert rewrite(model).initial_h == {}
    assert model.SerializeToString() == before


def test_the_operator_of_another_domain_is_none_of_ours():
    node = rnn()
    node.domain = "com.example"
    model = model_of(node)
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert as_scan(model).left == ()
    assert model.graph.node[0].op_type == "RNN"
