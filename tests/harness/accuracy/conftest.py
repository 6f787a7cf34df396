from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines import registry
from engines.contract import Device, PreparedModel, Site
from harness.build import Built
from harness.closure import copy_closure
from harness.folders import Folders
from harness.launch import Workplace
from harness.plan import PlannedCase
from harness.prepare.inputs import Inputs, digest, save
from harness.prepare.models import Prepared
from harness.staging import Ready
from suites.case import Case
from suites.suite import Measure

BACKEND = "onnxruntime-cpu"
CPU = Device(kind="cpu")
CASE = Case(model="m", backend=BACKEND, precision="int8", batch=2)
WEIGHTS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]], np.float32)
DIMS = {"x": ("batch", 4)}
VALUES = np.array([[1, 2, 3, 4], [-4, 3, -2, 1]], np.float32)


@pytest.fixture
def folders(tmp_path):
    return Folders(store=tmp_path / "store", run_id="run")


@pytest.fixture
def workplace(folders):
    closure = copy_closure(folders.store)
    return Workplace(
        measure=Measure(timeout_s=60), closure=closure, folders=folders, devices={"cpu": CPU}
    )


@pytest.fixture
def inputs(folders):
    """The case's inputs, stored."""
    path = folders.inputs / "inputs.npz"
    save({"input0": VALUES}, path)
    return Inputs(path=path, sha256=digest({"x": VALUES}), names=("x",), dtypes=("float32",))


@pytest.fixture
def prepared(tmp_path):
    """Return a function that stores y = x @ weights; `noisy` adds random numbers to it."""

    def make(weights=WEIGHTS, *, name="own", precision="fp32", noisy=False):
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y0" if noisy else "y"])]
        if noisy:
            nodes.append(helper.make_node("RandomNormalLike", ["y0"], ["noise"]))
            nodes.append(helper.make_node("Add", ["y0", "noise"], ["y"]))
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
            [numpy_helper.from_array(weights, "w")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        return Prepared(path=path, sha256=name, external_data=False, precision=precision, dims=DIMS)

    return make


@pytest.fixture
def ready(inputs, tmp_path):
    """Return a function that makes the case of a prepared model ready."""

    def make(model, **changes):
        case = replace(CASE, **changes)
        backend = registry.get(case.backend)
        site = Site(device=Device(kind=backend.device), scratch=tmp_path)
        given = PreparedModel(path=Path(model.path), sha256=model.sha256)
        engine = backend.build(given, case, tmp_path / "case.engine", site)
        built = Built(
            path=engine.path,
            facts=engine.facts,
            build_ns=1,
            engine_bytes=1,
            key="key",
            cached=False,
            damage=None,
        )
        planned = PlannedCase(position=0, case=case, options=dict(case.options), outcome=None)
        return Ready(planned=planned, own=model, prepared=model, built=built, inputs=inputs)

    return make
