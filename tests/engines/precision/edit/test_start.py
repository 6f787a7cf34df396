import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.contract import EngineError
from engines.precision.edit.start import start


def value(name, shape=(2, 2)):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model_of(nodes, *, opset=21, ir_version=10, **more):
    graph = helper.make_graph(nodes, "main", [value("x")], [value("y")])
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, **more)


def test_an_old_opset_is_raised_with_its_file_format():
    model = start(
        model_of([helper.make_node("Relu", ["x"], ["y"])], opset=13, ir_version=3), "r", 21
    )
    assert model.opset_import[0].version == 21
    assert model.ir_version == 10


def test_a_newer_opset_stays():
    model = start(model_of([helper.make_node("Relu", ["x"], ["y"])]), "r", 13)
    assert model.opset_import[0].version == 21


def test_functions_of_the_model_are_inlined():
    function = helper.make_function(
        "own",
        "Twice",
        ["a"],
        ["b"],
        [helper.make_node("Add", ["a", "a"], ["b"])],
        [helper.make_opsetid("", 21)],
    )
    node = helper.make_node("Twice", ["x"], ["y"], domain="own")
    model = model_of([node], functions=[function])
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert [node.op_type for node in start(model, "r", 21).graph.node] == ["Add"]


def test_a_graph_with_a_quantized_body_is_refused():
    scale = numpy_helper.from_array(np.array(1, np.float32), "s")
    inner = [
        helper.make_node("QuantizeLinear", ["x", "s"], ["q"], name="q"),
        helper.make_node("DequantizeLinear", ["q", "s"], ["b"]),
    ]
    body = helper.make_graph(inner, "branch", [], [value("b")], [scale])
    true = numpy_helper.from_array(np.array(True), "c")
    node = helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    model = model_of([node])
    model.graph.initializer.append(true)
    with pytest.raises(EngineError) as caught:
        start(model, "int8", 13)
    found = (caught.value.kind, caught.value.message, caught.value.hint)
    assert found == (
        "invalid-model",
        (
            "int8: node 'q' (QuantizeLinear): expected a graph that is not quantized, "
            "got a QuantizeLinear in 'branch'"
        ),
        "Start from the fp32 model.",
    )


def test_the_converted_model_is_valid(family_of):
    model = start(family_of("digits-lstm").model, "int4", 21)
    onnx.checker.check_model(model, full_check=True)
