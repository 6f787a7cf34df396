import importlib.util
from pathlib import Path

import pytest

STAND_IN = Path(__file__).resolve().parents[2] / "stand_in" / "onnxruntime" / "on_device.py"


@pytest.fixture
def simulated_ort(simulated, monkeypatch):
    """Put the stand-in of onnxruntime-gpu in place; returns what `simulated` returns."""
    ort = pytest.importorskip("onnxruntime")
    spec = importlib.util.spec_from_file_location("simulated_onnxruntime", STAND_IN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in module.replacements(ort).items():
        monkeypatch.setattr(ort, name, value)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "as it was")
    return simulated
