import onnx
import pytest

from engines.precision.half.moves import leave_moves
from engines.precision.half.ports import Ports
from engines.precision.half.readers import Readers

CHANGES = Ports(inputs=frozenset({0}), outputs=frozenset({0}))
TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[2, 2] x) => (float[2, 2] y) {
    a = Relu(x)
    t = Transpose(a)
    u = Identity(t)
    v = %s
    y = Relu(u)
}
"""


def left(other, *stays):
    """Return which of the nodes stay fp32, given those that do of themselves."""
    graph = onnx.parser.parse_model(TEXT % other).graph
    ports = [None if k in stays else CHANGES for k in range(len(graph.node))]
    found = leave_moves(graph, ports, Readers(graph))
    return [k for k, each in enumerate(found) if each is None]


def test_moves_before_what_stays_stay_too():
    assert left("Relu(a)", 4) == [1, 2, 4]


def test_moves_before_what_changes_change():
    assert left("Relu(a)") == []


@pytest.mark.parametrize(("stays", "expected"), [((4,), [2, 4]), ((3, 4), [1, 2, 3, 4])])
def test_all_readers_must_stay(stays, expected):
    assert left("Relu(t)", *stays) == expected


def test_nothing_but_moves_follows():
    assert left("Relu(a)", 2, 4) == [1, 2, 4]
    assert left("Relu(x)", 1) == [1]
