import os
import tempfile

import pytest

from harness.fetch import fetched_path
from harness.inspect import Inspected, inspect_models
from harness.python_model import PythonModel
from results.record import Failed, Skipped
from suites.models.packages import packages
from suites.shapes import model_signature
from suites.suite import Model, PackageSource, PythonSource, Suite

(FILE,) = packages()["swift-f0"].files.values()
SWIFT = Model(
    name="m",
    source=PackageSource(package="swift-f0", file="model.onnx"),
    dims=(("audio", (1, "time")),),
    inputs=FILE.values,
)
ZOO = """
from onnx import TensorProto, helper
def build():
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy"]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [3], [1, 2, 3])
    node = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([node], "g", value[:1], value[1:], initializer=[weight])
    opsets = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)
"""


def suite_of(model):
    return Suite(name="s", path=None, sha256="0", models=(model,), matrix=())


def inspect(model, **options):
    return inspect_models(suite_of(model), **options)["m"]


@pytest.fixture
def zoo(tmp_path):
    (tmp_path / "zoo.py").write_text(ZOO)
    source = PythonSource(module="zoo", function="build", folder=tmp_path)
    return Model(name="m", source=source)


def test_a_model_that_was_not_fetched_is_known_and_its_cases_are_skipped(tmp_path):
    found = inspect(SWIFT, store=tmp_path)

    assert found == Inspected(
        signature=model_signature(SWIFT, FILE.signature, "s"),
        precision="fp32",
        path=fetched_path(tmp_path, FILE),
        outcome=Skipped(
            reason="swift-f0 0.3.0 is not fetched. "
            f"Run dyno models fetch swift-f0 --store {tmp_path}"
        ),
    )
    assert found.signature.inputs[0].dims == (1, "time")


def test_a_damaged_model_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = fetched_path(tmp_path / ".dyno", FILE)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")

    assert inspect(SWIFT).outcome == Skipped(
        reason="model.onnx of swift-f0 0.3.0 is damaged. Run dyno models fetch swift-f0"
    )


def test_a_fetched_model_can_be_used(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.inspect.fetched_state", lambda _store, _file: "fetched")

    assert inspect(SWIFT, store=tmp_path).outcome is None


def test_the_model_of_a_function_is_known_once_it_is_built_and_kept_for_a_run(zoo, tmp_path):
    found = inspect(zoo, store=tmp_path / "store", keep=True)

    assert [spec.dims for spec in found.signature.inputs] == [("batch", 4)]
    assert (found.precision, found.outcome) == ("fp32", None)
    assert found.weights_bytes == 12
    assert found.path.parent == tmp_path / "store" / "models"
    assert found.path.exists()


def test_a_plan_leaves_nothing_of_the_model_of_a_function(zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    inspect(zoo, store=tmp_path / "store")

    assert os.listdir(tmp_path / "temporary") == []
    assert not (tmp_path / "store").exists()


def test_a_model_unlike_its_module_fails_with_the_difference(zoo, tmp_path, monkeypatch):
    built = inspect(zoo, store=tmp_path, keep=True)
    answer = PythonModel(path=built.path, mismatch="output 'y' differs by up to 3")
    monkeypatch.setattr("harness.python_model.build_python", lambda *_, **__: answer)

    assert inspect(zoo, store=tmp_path).outcome == Failed(
        kind="invalid-model",
        message="zoo:build: output 'y' differs by up to 3",
        hint="An export freezes branches on values and sizes. Name under dims what varies.",
    )
