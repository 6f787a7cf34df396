import numpy as np
from onnx import TensorProto, helper, numpy_helper

from engines.graph.weights import weights_bytes


def branch(name, weight):
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [4])
    node = helper.make_node("Identity", [weight.name], [name])
    return helper.make_graph([node], name, [], [value], initializer=[weight])


def test_weights_are_those_of_all_graphs_by_type_and_shape_wherever_they_are_kept():
    outside = numpy_helper.from_array(np.zeros((3, 5), np.float16), "outside")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    words = helper.make_tensor("words", TensorProto.STRING, [2], [b"a", b"b"])
    flag = numpy_helper.from_array(np.array(True), "flag")
    inner = [numpy_helper.from_array(np.zeros(4, np.float32), name) for name in ("a", "b")]
    node = helper.make_node(
        "If",
        ["flag"],
        ["y"],
        then_branch=branch("yes", inner[0]),
        else_branch=branch("no", inner[1]),
    )
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    graph = helper.make_graph([node], "g", [], [output], initializer=[flag, outside, words])

    assert weights_bytes(helper.make_model(graph)) == 1 + 3 * 5 * 2 + 2 * 4 * 4
