"""Feeding a session on host memory values of every layout."""

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

from engines.contract import EngineError

ort = pytest.importorskip("onnxruntime")
HostSession = pytest.importorskip("engines.ort.session").HostSession


@pytest.fixture
def opened():
    """Return the function that opens a session of one node with an input."""

    def start(op, array, kinds, shape, **attributes):
        given = helper.make_tensor_value_info("x", kinds[0], array.shape)
        made = helper.make_tensor_value_info("y", kinds[1], shape)
        node = helper.make_node(op, ["x"], ["y"], **attributes)
        model = helper.make_model(
            helper.make_graph([node], "g", [given], [made]),
            opset_imports=[helper.make_opsetid("", 21)],
            ir_version=10,
        )
        session = ort.InferenceSession(model.SerializeToString())
        return HostSession(session, {"x": array}, {}, ())

    return start


def answer(session):
    session.enqueue[0]()
    return session.outputs()["y"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uint4", TensorProto.UINT4),
        ("bfloat16", TensorProto.BFLOAT16),
        ("float8_e4m3fn", TensorProto.FLOAT8E4M3FN),
    ],
)
def test_types_that_numpy_lacks_are_fed_in_the_runtimes_layout(opened, name, kind):
    dtype = np.dtype(getattr(ml_dtypes, name))
    first, second = (np.array(values).astype(dtype) for values in ([1, 2, 3], [7, 0, 5]))
    session = opened("Cast", first, (kind, TensorProto.FLOAT), [3], to=TensorProto.FLOAT)
    assert answer(session).tolist() == [1, 2, 3]
    session.feed({"x": second})
    assert answer(session).tolist() == [7, 0, 5]


def test_outputs_whose_shape_follows_from_the_values_are_allocated_anew(opened):
    kinds = (TensorProto.FLOAT, TensorProto.INT64)
    session = opened("NonZero", np.array([0, 3, 0, 4], np.float32), kinds, [1, "found"])
    assert answer(session).tolist() == [[1, 3]]
    session.feed({"x": np.array([1, 1, 0, 1], np.float32)})
    assert answer(session).tolist() == [[0, 1, 3]]
    session.feed({"x": np.zeros(4, np.float32)})
    assert answer(session).tolist() == [[]]


def test_what_came_over_the_wire_is_fed_wherever_its_bytes_lie(opened):
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT)
    session = opened("Neg", np.zeros((2, 2), np.float32), kinds, [2, 2])
    payload = b"\0" + np.array([1, 2, 3, 4], np.float32).tobytes()
    session.feed({"x": np.frombuffer(payload, np.float32, 4, 1).reshape(2, 2)})
    assert answer(session).tolist() == [[-1, -2], [-3, -4]]
    session.feed({"x": np.array([[1, 2], [3, 4]], np.float32).T})
    assert answer(session).tolist() == [[-1, -3], [-2, -4]]


def test_what_does_not_fit_leaves_the_session_as_it_was(opened):
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT)
    session = opened("Neg", np.array([1, 2], np.float32), kinds, [2])
    with pytest.raises(EngineError):
        session.feed({"x": np.array([3, 4], np.float64)})
    assert answer(session).tolist() == [-1, -2]
