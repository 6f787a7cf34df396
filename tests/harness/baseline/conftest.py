import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper

from harness.baseline.pinned import pinned_case
from harness.baseline.shelf import Shelf
from harness.plan import PlannedCase
from harness.prepare.inputs import Inputs, digest, save
from harness.prepare.models import Prepared
from results.baseline import Baseline
from suites.case import Case

CASE = Case(model="tiny", backend="fake", precision="fp32", batch=1)
PLANNED = PlannedCase(position=0, case=CASE, options={"threads": 1}, outcome=None)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def put_model(folder, data=b"a model"):
    """Lay out a model as preparing does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sha256(data)}.onnx"
    path.write_bytes(data)
    return Prepared(
        path=path,
        sha256=sha256(data),
        external_data=False,
        precision="fp32",
        dims={"x": ("batch", 4)},
        values={"sr": 16000},
    )


def put_beside(folder, *, location="weights/w.bin", weights=bytes(16)):
    """Lay out a model whose weights lie beside it."""
    tensor = TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value=location)
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    data = model.SerializeToString(deterministic=True)
    (folder / location).parent.mkdir(parents=True, exist_ok=True)
    (folder / location).write_bytes(weights)
    plain = put_model(folder, data)
    return replace(plain, sha256=sha256(data + weights), external_data=True)


def put_inputs(folder, value=1.0):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"a/b": np.full((2, 3), value, np.float32), "ids": np.arange(4)}
    found = digest(arrays)
    path = folder / f"{found}.npz"
    save({f"input{k}": array for k, array in enumerate(arrays.values())}, path)
    return Inputs(path=path, sha256=found, names=("a/b", "ids"), dtypes=("float32", "int64"))


def baseline_of(*cases, **changes):
    fields = {
        "id": "20261121-030000-ab00",
        "name": "main",
        "suite": "rnn",
        "suite_sha256": "0" * 64,
        "pinned_at": 1_795_230_000.0,
        "python": "/venv/bin/python",
        "versions": {"numpy": "2.4.6", "onnxruntime": "1.30.0", "python": "3.11.7"},
        "devices": {},
        "seed": 0,
        "dyno_version": "1",
        "cases": cases,
    }
    return Baseline(**{**fields, **changes})


@pytest.fixture
def made():
    """Builders of models, inputs and baselines, as preparing and pinning make them."""
    return SimpleNamespace(
        model=put_model, beside=put_beside, inputs=put_inputs, baseline=baseline_of, planned=PLANNED
    )


@pytest.fixture
def shelf(tmp_path):
    return Shelf.of(tmp_path / "store")


@pytest.fixture
def keep(tmp_path, shelf):
    """Keep a case's files as pinning does, and return what is stored of it."""

    def kept(prepared=None, inputs=None, planned=PLANNED):
        prepared = prepared or put_model(tmp_path / "made")
        inputs = inputs or put_inputs(tmp_path / "made")
        files = shelf.keep_model(prepared)
        shelf.keep_inputs(inputs)
        return pinned_case(planned, prepared, inputs, files)

    return kept
