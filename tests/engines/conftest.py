import importlib.util
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).resolve().parent.parent / "stand_in"
STANDING_IN = ("pycuda", "cuda", "simulated")
TENSORRT = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")


def is_stand_in(name):
    return name.partition(".")[0] in STANDING_IN


def is_tensorrt(name):
    return name.partition(".")[0] in TENSORRT


@pytest.fixture
def simulated(monkeypatch):
    """Put the stand-ins of pycuda and cuda-bindings in place, on a machine with a virtual clock.

    Returns the function that starts the machine anew, `simulated(compute_ns=…, fail="capture")`,
    and returns it: see tests/stand_in/README.md.
    """
    for name in filter(is_stand_in, list(sys.modules)):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(STAND_IN)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

    def start(**script):
        from simulated.machine import restart

        return restart(clock="virtual", **script)

    start()
    yield start
    for name in filter(is_stand_in, list(sys.modules)):
        del sys.modules[name]


@pytest.fixture
def real_ort():
    """The installed onnxruntime, imported before its stand-in can be found."""
    return pytest.importorskip("onnxruntime")


@pytest.fixture
def simulated_ort(real_ort, simulated, monkeypatch):
    """Put the stand-in of onnxruntime-gpu in place; returns what `simulated` returns."""
    path = STAND_IN / "onnxruntime" / "on_device.py"
    spec = importlib.util.spec_from_file_location("simulated_onnxruntime", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in module.replacements(real_ort).items():
        monkeypatch.setattr(real_ort, name, value)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "as it was")
    return simulated


@pytest.fixture
def standing_in(simulated, monkeypatch):
    """Put the stand-ins of TensorRT in place; returns the function that starts the machine anew.

    Its keyword `version` is that of `tensorrt`, the others are the simulated machine's.
    """
    for name in filter(is_tensorrt, list(sys.modules)):
        monkeypatch.delitem(sys.modules, name)

    def start(*, version="11.4", **script):
        for name in filter(is_tensorrt, list(sys.modules)):
            del sys.modules[name]
        monkeypatch.setenv("DYNO_STAND_IN_TENSORRT", version)
        return simulated(**script)

    yield start
    for name in filter(is_tensorrt, list(sys.modules)):
        del sys.modules[name]
