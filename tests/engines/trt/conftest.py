import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.contract import Device, PreparedModel, Site
from suites.case import Case

UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"


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
