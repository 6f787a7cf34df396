"""What If, Loop and Scan cost: products of [5, 8] with [8, 8], and functions of [5, 8]."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.cost import cost

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def node(kind, inputs, *outputs, **attributes):
    return helper.make_node(kind, inputs, list(outputs), **attributes)


def info(name, *dims, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, dims)


def constant(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def ones(name, *shape):
    return constant(name, np.ones(shape, np.float32))


X = {"x": (FLOAT, ["batch", 8])}
Y = {"y": (FLOAT, None)}
SHAPES = {"x": (5, 8)}


def cost_of(graph_model, nodes, *, weights=(), inputs=X, shapes=SHAPES, **more):
    return cost(graph_model(nodes, inputs, Y, weights=weights, **more), shapes)


def branch(name, *nodes, weights=()):
    return helper.make_graph(list(nodes), name, [], [info(name)], initializer=list(weights))


CHEAP = branch("cheap", node("Relu", ["x"], "cheap"))
DEAR = branch(
    "dear",
    node("Constant", [], "w", value=ones("w", 8, 8)),
    node("MatMul", ["x", "w"], "m"),
    node("Add", ["m", "b"], "dear"),
    weights=[ones("b", 8)],
)
FLAG = {**X, "flag": (BOOL, [])}


@pytest.mark.parametrize("sides", [(CHEAP, DEAR), (DEAR, CHEAP)], ids=["else", "then"])
def test_of_an_if_the_dearer_branch_counts(graph_model, sides):
    choice = node("If", ["flag"], "y", then_branch=sides[0], else_branch=sides[1])

    found = cost_of(graph_model, [choice], inputs=FLAG, shapes={**SHAPES, "flag": ()})

    assert found.flops == 5 * 8 * 2 * 8 + 5 * 8
    assert found.parameter_bytes == 8 * 8 * 4 + 8 * 4
    assert found.activation_bytes == 4 * 5 * 8 * 4
    assert found.uncounted == {}


def test_of_an_if_whose_condition_is_a_constant_that_branch_counts(graph_model):
    choice = node("If", ["flag"], "y", then_branch=CHEAP, else_branch=DEAR)

    found = cost_of(graph_model, [choice], weights=[constant("flag", True)])

    assert found.flops == 5 * 8


def loop_body(*nodes, state, condition="go", outputs=()):
    return helper.make_graph(
        list(nodes),
        "body",
        [info("i", kind=INT64), info("go", kind=BOOL), info(state)],
        [info(condition, kind=BOOL), *(info(name) for name in outputs)],
    )


STEP = loop_body(
    node("MatMul", ["s", "w"], "n"),
    node("Relu", ["n"], "r"),
    state="s",
    outputs=("n", "r"),
)
LOOP_WEIGHTS = [ones("w", 8, 8), constant("trips", np.int64(7))]
EACH_TRIP = 5 * 8 * 2 * 8 + 5 * 8


def test_a_loop_counts_as_often_as_it_runs(graph_model):
    loop = node("Loop", ["trips", "", "x"], "last", "y", body=STEP)
    total = node("ReduceSum", ["y"], "sum")

    found = cost_of(graph_model, [loop, total], weights=LOOP_WEIGHTS)

    assert found.flops == 7 * EACH_TRIP + 7 * 5 * 8
    assert found.parameter_bytes == 8 * 8 * 4 + 8
    assert found.activation_bytes == 7 * 4 * (4 * 5 * 8) + 4 * 7 * 5 * 8
    assert found.uncounted == {}


def test_a_loop_whose_trips_follow_from_a_size_counts(graph_model):
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "first"], "trips", axis=0),
        node("Loop", ["trips", "", "x"], "last", "y", body=STEP),
    ]

    weights = [ones("w", 8, 8), constant("first", np.int64(0))]
    assert cost_of(graph_model, nodes, weights=weights).flops == 5 * EACH_TRIP


@pytest.mark.parametrize("how", ["trips", "condition"])
def test_a_loop_that_a_query_ends_is_not_guessed(graph_model, how):
    inputs = {**X, "n": (INT64, []), "flag": (BOOL, [])}
    nodes = {
        "trips": node("Loop", ["n", "", "x"], "last", "y", body=STEP),
        "condition": node("Loop", ["trips", "flag", "x"], "last", "y", body=STEP),
    }

    found = cost_of(
        graph_model,
        [nodes[how], node("Relu", ["last"], "z")],
        weights=LOOP_WEIGHTS,
        inputs=inputs,
        shapes={**SHAPES, "n": (), "flag": ()},
    )

    assert (found.flops, found.uncounted) == (5 * 8, {"Loop": 1})


def test_a_state_that_grows_has_no_known_size(graph_model):
    body = loop_body(
        node("Concat", ["s", "x"], "grown", axis=0),
        node("Exp", ["grown"], "e"),
        state="s",
        outputs=("grown",),
    )
    loop = node("Loop", ["trips", "", "x"], "y", body=body)

    found = cost_of(graph_model, [loop], weights=LOOP_WEIGHTS)

    assert (found.flops, found.uncounted) == (0, {"Concat": 1, "Exp": 1})


def scan_body(*nodes, outputs):
    return helper.make_graph(
        list(nodes), "body", [info("h"), info("row")], [info(name) for name in outputs]
    )


def test_a_scan_counts_the_length_of_what_it_scans_also_inside_another(graph_model):
    inner = scan_body(node("Add", ["h", "row"], "sum"), outputs=("sum",))
    outer = helper.make_graph(
        [
            node("Scan", ["zero", "plane"], "rows", body=inner, num_scan_inputs=1),
            node("Mul", ["state", "rows"], "next"),
            node("Identity", ["next"], "told"),
        ],
        "outer",
        [info("state"), info("plane")],
        [info("next"), info("told")],
    )
    scan = node(
        "Scan",
        ["start", "x"],
        "last",
        "y",
        body=outer,
        num_scan_inputs=1,
        scan_input_axes=[1],
        scan_output_axes=[-1],
    )
    nodes = [scan, node("Relu", ["y"], "z")]

    found = cost_of(
        graph_model,
        nodes,
        weights=[ones("zero", 8), ones("start", 8)],
        inputs={"x": (FLOAT, ["batch", None, 8])},
        shapes={"x": (5, 6, 8)},
    )

    # six planes of five rows of eight, each with a product; eight by six are given out
    assert found.flops == 6 * (5 * 8 + 8) + 8 * 6
    assert found.uncounted == {}
