import onnx
import pytest

from engines.precision.half.readers import Readers

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[2] x, bool c) => (float[2] y) {
    twice = Add(x, x)
    once = Relu(twice)
    idle = Relu(twice)
    inside = Neg(x)
    z = If(c) <
        then_branch = t () => (float[2] a) { a = Sigmoid(inside) },
        else_branch = e () => (float[2] b) { b = Tanh(x) }
    >
    y = Add(once, z)
}
"""


@pytest.fixture(scope="module")
def readers():
    return Readers(onnx.parser.parse_model(TEXT).graph)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["twice"], [(1, 0), (2, 0)]),
        (["once"], [(5, 0)]),
        (["once", "z"], [(5, 0), (5, 1)]),
        (["c"], [(4, 0)]),
    ],
)
def test_readers_are_given_with_the_position(readers, names, found):
    assert readers.of(names) == found


@pytest.mark.parametrize("names", [["y"], ["inside"], ["x"], ["idle"], [], ["once", "y"]])
def test_there_are_none_where_an_output_or_a_body_reads_too_or_nobody(readers, names):
    assert readers.of(names) is None
