import pytest

from engines.contract import Device
from harness.machine.nvml import opened
from harness.telemetry.gpu import find_gpu

UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"


@pytest.fixture
def device():
    return Device(kind="cuda", uuid=UUID)


@pytest.fixture
def gpu(pynvml):
    """The GPU that the stand-in simulates, which tells as it is scripted."""

    def find(uuid=UUID, **told):
        pynvml.restart(**told)
        stack.append(opened(pynvml))
        return find_gpu(stack[-1].__enter__(), uuid)

    stack = []
    yield find
    for context in stack:
        context.__exit__(None, None, None)
