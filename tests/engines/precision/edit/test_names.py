from onnx import helper, parser

from engines.precision.edit.names import Names, label

MODEL = """
<ir_version: 8, opset_import: ["" : 21]>
g (bool c, float[n] x) => (float[n] y)
<float[1] w = {1}>
{
    [branch] y = If(c)<
        then_branch = t () => (float[n] a) { a = Add(x, w) },
        else_branch = e () => (float[n] b) { b = Neg(x) }
    >
}
"""


def test_a_free_name_is_taken_as_it_is_and_once():
    names = Names(parser.parse_model(MODEL))
    assert [names.take("z") for _ in range(3)] == ["z", "z_2", "z_3"]


def test_names_of_inputs_outputs_weights_nodes_and_bodies_are_taken():
    names = Names(parser.parse_model(MODEL))
    for name in ("x", "y", "w", "branch", "a"):
        assert names.take(name) == f"{name}_2"


def test_a_node_is_called_by_its_name_or_else_by_what_it_makes():
    assert label(helper.make_node("LSTM", ["x"], ["", "h"], name="n")) == "node 'n' (LSTM)"
    assert label(helper.make_node("LSTM", ["x"], ["", "h"])) == "node 'h' (LSTM)"
    assert label(helper.make_node("Foo", ["x"], [])) == "node '' (Foo)"
