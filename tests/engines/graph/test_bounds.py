import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.graph.signature import read_signature

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
IDS = {"ids": (INT64, ["batch", "sequence"])}
OUT = {"y": (FLOAT, None)}


def table(name="table", shape=(7, 4)):
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def bound(model, name="ids"):
    return {spec.name: spec.bound for spec in read_signature(model).inputs}[name]


def test_the_bound_is_the_length_of_the_gathered_axis(graph_model):
    gather = [helper.make_node("Gather", ["table", "ids"], ["y"])]

    assert bound(graph_model(gather, IDS, OUT, weights=[table()])) == 7


@pytest.mark.parametrize(("axis", "expected"), [(0, 7), (1, 4), (-1, 4), (-2, 7), (5, None)])
def test_the_axis_is_the_nodes(graph_model, axis, expected):
    gather = [helper.make_node("Gather", ["table", "ids"], ["y"], axis=axis)]

    assert bound(graph_model(gather, IDS, OUT, weights=[table()])) == expected


@pytest.mark.parametrize(
    ("kind", "more", "attributes"),
    [
        ("Cast", [], {"to": INT64}),
        ("Identity", [], {}),
        ("Reshape", ["shape"], {}),
        ("Unsqueeze", ["shape"], {}),
        ("Squeeze", ["shape"], {}),
        ("Transpose", [], {}),
        ("Flatten", [], {}),
    ],
)
def test_indices_are_followed_through_what_keeps_values(graph_model, kind, more, attributes):
    shape = numpy_helper.from_array(np.array([0], np.int64), "shape")
    nodes = [
        helper.make_node(kind, ["ids", *more], ["moved"], **attributes),
        helper.make_node("Gather", ["table", "moved"], ["y"]),
    ]

    assert bound(graph_model(nodes, IDS, OUT, weights=[table(), shape])) == 7


def test_what_changes_values_ends_the_search(graph_model):
    nodes = [
        helper.make_node("Add", ["ids", "ids"], ["moved"]),
        helper.make_node("Gather", ["table", "moved"], ["y"]),
    ]

    assert bound(graph_model(nodes, IDS, OUT, weights=[table()])) is None


@pytest.mark.parametrize("kind", ["Gather", "Cast", "Constant", "DequantizeLinear"])
def test_nodes_without_what_they_need_bound_nothing(graph_model, kind):
    for inputs, outputs in (([], ["y"]), (["ids"], []), (["ids", "ids", "ids"], ["y"])):
        node = helper.make_node(kind, inputs, outputs)

        assert bound(graph_model([node], IDS, OUT, weights=[table()])) is None


def test_the_smallest_of_several_tables_counts(graph_model):
    nodes = [
        helper.make_node("Gather", ["large", "ids"], ["a"]),
        helper.make_node("Gather", ["table", "ids"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    weights = [table("large", (99, 4)), table()]

    assert bound(graph_model(nodes, IDS, OUT, weights=weights)) == 7


def test_tables_are_found_in_constants_and_behind_dequantization(graph_model):
    constant = helper.make_node("Constant", [], ["raw"], value=table("raw", (5, 2)))
    nodes = [
        constant,
        helper.make_node("DequantizeLinear", ["raw", "scale"], ["real"]),
        helper.make_node("Gather", ["real", "ids"], ["y"]),
    ]
    scale = numpy_helper.from_array(np.float32(1), "scale")

    assert bound(graph_model(nodes, IDS, OUT, weights=[scale])) == 5


def test_a_computed_table_counts_where_its_shape_is_declared(graph_model):
    nodes = [
        helper.make_node("Relu", ["table"], ["made"]),
        helper.make_node("Gather", ["made", "ids"], ["y"]),
    ]
    declared = helper.make_tensor_value_info("made", FLOAT, [7, 4])

    assert bound(graph_model(nodes, IDS, OUT, weights=[table()])) is None
    assert bound(graph_model(nodes, IDS, OUT, weights=[table()], values=[declared])) == 7


def test_bodies_see_outer_names_without_sharing_their_own(graph_model):
    def branch(name, nodes):
        out = helper.make_tensor_value_info("out", FLOAT, None)
        return helper.make_graph(nodes, name, [], [out])

    gathers = branch(
        "then",
        [
            helper.make_node("Identity", ["ids"], ["inner"]),
            helper.make_node("Gather", ["table", "inner"], ["out"]),
        ],
    )
    other = branch(
        "else",
        [
            helper.make_node("Add", ["ids", "ids"], ["inner"]),
            helper.make_node("Gather", ["small", "inner"], ["out"]),
        ],
    )
    node = helper.make_node("If", ["flag"], ["y"], then_branch=gathers, else_branch=other)
    inputs = {**IDS, "flag": (BOOL, [])}
    weights = [table(), table("small", (2, 2))]

    model = graph_model([node], inputs, OUT, weights=weights)

    assert (bound(model), bound(model, "flag")) == (7, None)
