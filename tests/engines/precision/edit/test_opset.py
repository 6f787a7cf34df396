import onnx
import pytest
from onnx import parser

from engines.contract import EngineError
from engines.precision.edit.opset import opsets_of, raise_opset, schema_of

BRANCHES = """
<ir_version: 7, opset_import: ["" : 13]>
g (bool c, float[2, 3] x) => (float[2, 1] y)
{
    y = If(c)<
        then_branch = t () => (float[2, 1] a) { a = ReduceMean<axes = [1]>(x) },
        else_branch = e () => (float[2, 1] b) { b = ReduceMax<axes = [1]>(x) }
    >
}
"""


def test_bodies_are_raised_too():
    raised = raise_opset(parser.parse_model(BRANCHES), 22, recipe="bf16")
    onnx.checker.check_model(raised, full_check=True)
    assert opsets_of(raised) == {"": 22}
    assert raised.ir_version == 10


def test_local_functions_are_put_in_their_callers_place():
    model = parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "local" : 1]>
        g (float[2] x) => (float[2] y)
        { y = local.Twice(x) }
        <domain: "local", opset_import: ["" : 17]> Twice (a) => (b) { b = Add(a, a) }
    """)
    raised = raise_opset(model, 22, recipe="bf16")
    onnx.checker.check_model(raised, full_check=True)
    assert [node.op_type for node in raised.graph.node] == ["Add"]


def test_a_model_that_is_new_enough_is_left_alone():
    model = parser.parse_model(BRANCHES)
    assert raise_opset(model, 13, recipe="bf16") is model


def test_what_onnx_cannot_convert_is_refused():
    model = parser.parse_model("""
        <ir_version: 7, opset_import: ["" : 13]>
        g (float[1, 1, 2, 2] x, float[1] s) => (float[1, 1, 2, 2] y)
        { y, mean, variance, saved, too = BatchNormalization(x, s, s, s, s) }
    """)
    with pytest.raises(EngineError) as error:
        raise_opset(model, 22, recipe="bf16")
    assert error.value.kind == "unsupported-op"
    assert error.value.message == (
        "bf16: expected a model of opset 22 or one that ONNX can convert to it, "
        "got BatchNormalization outputs 4 and 5 are not supported in Opset 14."
    )
    assert error.value.hint == "Export the model with opset 22."


def test_a_definition_is_that_of_the_models_opset():
    node = onnx.helper.make_node("GRU", ["x"], ["y"])
    assert schema_of(node, {"": 21}).since_version == 14
    assert schema_of(node, {"": 22}).since_version == 22
    assert schema_of(node, {"": 22, "ai.onnx": 3}).since_version == 22


@pytest.mark.parametrize(
    ("op", "domain", "opsets"),
    [("Each", "", {"": 21}), ("Relu", "local", {"": 21}), ("Gelu", "", {"": 19}), ("Relu", "", {})],
)
def test_what_the_opset_does_not_have_has_no_definition(op, domain, opsets):
    assert schema_of(onnx.helper.make_node(op, ["x"], ["y"], domain=domain), opsets) is None
