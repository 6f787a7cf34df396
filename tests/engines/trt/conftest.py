import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.contract import Device, PreparedModel, Site
from suites.case import Case

MODULES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"


def ours(name):
    return name.partition(".")[0] in MODULES


@pytest.fixture
def standing_in(simulated, monkeypatch):
    """Put the stand-ins of TensorRT in place; returns the function that starts the machine anew.

    Its keyword `version` is that of `tensorrt`, the others are the simulated machine's.
    """
    for name in filter(ours, list(sys.modules)):
        monkeypatch.delitem(sys.modules, name)

    def start(*, version="11.4", **script):
        for name in filter(ours, list(sys.modules)):
            del sys.modules[name]
        monkeypatch.setenv("DYNO_STAND_IN_TENSORRT", version)
        return simulated(**script)

    yield start
    for name in filter(ours, list(sys.modules)):
        del sys.modules[name]


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a model and returns it prepared."""

    def write(nodes, inputs, outputs, initializers=(), domains=(), **told):
        graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
        opsets = [helper.make_opsetid("", 21), *(helper.make_opsetid(name, 1) for name in domains)]
        path = tmp_path / "model.onnx"
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
        return PreparedModel(path=path, sha256="0" * 64, **told)

    return write


def tensor(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.fixture(name="tensor")
def tensor_fixture():
    return tensor


@pytest.fixture
def add(save):
    """A model that adds 1 to its only input."""
    one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
    node = helper.make_node("Add", ["x", "one"], ["y"], name="add")
    return save([node], [tensor("x", "batch", 4)], [tensor("y", "batch", 4)], [one])


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    device = Device(kind="cuda", name="Simulated GPU", uuid=UUID, sm="sm90", driver="580.65.06")
    return Site(device=device, scratch=folder)


@pytest.fixture
def case():
    def make(backend="tensorrt", *, batch=2, precision="fp32", dims=(), **options):
        return Case(
            model="m",
            backend=backend,
            precision=precision,
            batch=batch,
            dims=tuple(dims),
            options=tuple(options.items()),
        )

    return make


@pytest.fixture
def rows():
    return np.arange(8, dtype=np.float32).reshape(2, 4)
