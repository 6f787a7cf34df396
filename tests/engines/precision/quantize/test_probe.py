from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from engines.contract import EngineError
from engines.precision.quantize import probe as probe_module
from engines.precision.quantize.probe import Probe

pytest.importorskip("onnxruntime")

TEXT = """
<ir_version: 10, opset_import: ["": 21]>
g (float[n, 2] x) => (float[n, 2] y) <float[2, 2] w = {1, 0, 0, 2}> {
    p = MatMul(x, w)
    y = Relu(p)
}
"""
X = np.array([[1, -1]], np.float32)


def probe(*tensors):
    return Probe(onnx.parser.parse_model(TEXT), tensors, "int8").run({"x": X}, 0)


def test_tensors_inside_and_outputs_and_inputs_are_given_once():
    found = probe("p", "y", "x", "p")
    assert {name: values.tolist() for name, values in found.items()} == {
        "x": [[1, -1]],
        "p": [[1, -2]],
        "y": [[1, 0]],
    }


def test_nothing_is_run_where_only_inputs_are_asked_for():
    found = Probe(onnx.parser.parse_model(TEXT), ["x"], "int8")
    broken = np.ones((1, 99), np.float32)  # a run would fail
    assert found.run({"x": broken}, 0) == {"x": broken}


def test_the_model_stays_as_it_was():
    model = onnx.parser.parse_model(TEXT)
    Probe(model, ["p"], "int8")
    assert model == onnx.parser.parse_model(TEXT)


def test_a_sample_that_does_not_run_is_told_by_its_number():
    with pytest.raises(EngineError) as caught:
        Probe(onnx.parser.parse_model(TEXT), ["p"], "int8").run({"x": np.ones((1, 3), "f")}, 7)
    assert caught.value.message.startswith(
        "int8: expected calibration sample 7 to run on ONNX Runtime, got "
    )
    assert caught.value.hint == "Check the model and its inputs at fp32 on onnxruntime-cpu first."


def no_memory(*_, **__):
    raise MemoryError("no memory")


def test_a_lack_of_memory_is_no_fault_of_the_model(monkeypatch):
    opened = Probe(onnx.parser.parse_model(TEXT), ["p"], "int8")
    monkeypatch.setattr(opened, "_session", SimpleNamespace(run=no_memory))
    with pytest.raises(MemoryError, match="no memory"):
        opened.run({"x": X}, 0)
    monkeypatch.setattr(probe_module, "_open", no_memory)
    with pytest.raises(MemoryError, match="no memory"):
        probe("p")
