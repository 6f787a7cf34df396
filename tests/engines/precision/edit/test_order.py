import onnx

from engines.precision.edit.order import sort_nodes

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[2] x, bool c) => (float[2] y) {
    y = Relu(z)
    z = If(c) <
        then_branch = t () => (float[2] a) {
            a = If(c) <
                then_branch = s () => (float[2] d) { d = Sigmoid(p) },
                else_branch = r () => (float[2] f) { f = Tanh(x) }
            >
        },
        else_branch = e () => (float[2] b) { b = Tanh(q) }
    >
    q = Abs(p)
    p = Neg(x)
}
"""


def test_each_node_comes_after_what_it_and_its_bodies_read():
    model = onnx.parser.parse_model(TEXT)
    sort_nodes(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Neg", "Abs", "If", "Relu"]
    onnx.checker.check_model(model, full_check=True)
