import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from engines.precision.edit.fold import fold_moves

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[2, 3] x, int64[2] i) => (float[2, 2] y, float[2, 3] z, float[3, 2] kept)
<float[2, 3] w = {1, 2, 3, 4, 5, 6}, int64[1] one = {1}, int64[1] two = {2}, int64[2] s = {3, 2}> {
    first = Slice(w, one, two)
    rest = Slice(w, s0, one)
    turned = Concat<axis = 0>(first, rest)
    called = Identity(turned)
    v = Transpose<perm = [1, 0]>(called)
    y = MatMul(x, v)
    z = Gather(w, i)
    kept = Reshape(w, s)
    s0 = Constant<value = int64[1] {0}>()
}
"""


@pytest.fixture
def model():
    found = onnx.parser.parse_model(TEXT)
    found.graph.node.insert(0, found.graph.node.pop())
    return found


def test_a_weight_is_moved_once_and_for_all(model):
    inputs = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "i": np.array([0, 1])}
    expected = ReferenceEvaluator(model.SerializeToString()).run(None, inputs)
    fold_moves(model)
    onnx.checker.check_model(model, full_check=True)
    for before, after in zip(expected, ReferenceEvaluator(model).run(None, inputs), strict=True):
        assert np.array_equal(before, after)
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Gather", "Reshape"]
    stored = {t.name: numpy_helper.to_array(t).tolist() for t in model.graph.initializer}
    assert stored == {"w": [[1, 2, 3], [4, 5, 6]], "s": [3, 2], "v": [[4, 1], [5, 2], [6, 3]]}


def test_what_is_computed_or_no_float_stays():
    text = """
    <ir_version: 10, opset_import: ["": 21]>
    g (float[2, 3] x) => (float[3, 2] y) <int64[1, 2] s = {3, 2}> {
        shape = Squeeze(s)
        y = Reshape(x, shape)
    }"""
    model = onnx.parser.parse_model(text)
    fold_moves(model)
    assert [node.op_type for node in model.graph.node] == ["Squeeze", "Reshape"]
