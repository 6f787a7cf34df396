import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).resolve().parent.parent / "stand_in"
STANDING_IN = ("pycuda", "cuda", "simulated")


def is_stand_in(name):
    return name.partition(".")[0] in STANDING_IN


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
