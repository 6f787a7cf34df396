from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from engines.backends.tensorrt import TensorRt
from engines.backends.tensorrt_rtx import TensorRtRtx
from engines.contract import EngineError

BACKENDS = {"tensorrt": TensorRt, "tensorrt-rtx": TensorRtRtx}


@pytest.fixture(params=["tensorrt", "tensorrt-rtx"])
def backend(request, standing_in):
    """A backend over its stand-in, on a machine that both have a target for."""
    standing_in(sm="sm89")
    return BACKENDS[request.param]()


@pytest.fixture
def site(site):
    return replace(site, device=replace(site.device, sm="sm89"))


def refusal(call):
    with pytest.raises(EngineError) as error:
        call()
    return error.value.kind, error.value.message, error.value.hint


@pytest.fixture
def expand(save, tensor):
    """A model that repeats its input as often as the values of `sequence` say."""
    node = helper.make_node("Expand", ["x", "sequence"], ["y"], name="expand")
    shape = tensor("sequence", 1, kind=TensorProto.INT64)
    return save([node], [tensor("x", "batch", 1), shape], [tensor("y", "batch", "n")])


def test_values_of_a_shape_stay_on_the_host(backend, expand, case, site, tmp_path):
    asked = case(backend.name, dims=[("sequence", 3)])
    engine = backend.build(expand, asked, tmp_path / "plan", site)
    arrays = {"x": np.ones((2, 1), np.float32), "sequence": np.array([3])}
    with backend.open(engine, asked, arrays, site) as session:
        session.enqueue[0]()
        session.fence[0]()
        session.wait[0]()
        assert np.array_equal(session.outputs()["y"], np.ones((2, 3), np.float32))


def test_other_values_are_fed_but_none_of_a_shape(backend, expand, case, site, tmp_path):
    asked = case(backend.name, dims=[("sequence", 3)])
    engine = backend.build(expand, asked, tmp_path / "plan", site)
    arrays = {"x": np.ones((2, 1), np.float32), "sequence": np.array([3])}
    with backend.open(engine, asked, arrays, site) as session:
        session.feed({**arrays, "x": np.array([[2], [5]], np.float32)})
        session.enqueue[0]()
        session.fence[0]()
        session.wait[0]()
        assert session.outputs()["y"].tolist() == [[2, 2, 2], [5, 5, 5]]
        other = {**arrays, "sequence": np.array([2])}
        assert refusal(lambda: session.feed(other)) == (
            "shape-out-of-profile",
            (
                "feed: input 'sequence': expected the values that the session was opened with "
                "and read on the host, [3], got [2]"
            ),
            "Open another session for them.",
        )
