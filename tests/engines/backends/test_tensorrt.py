import pytest

from engines.backends import tensorrt
from engines.backends.tensorrt import TensorRt
from engines.contract import Device


def test_it_builds_on_the_device_alone():
    assert TensorRt().cannot_build(Device(kind="cuda", sm="sm86")) == (
        "TensorRT measures kernels while it builds, on the device itself. "
        "Build there, or ahead of time with tensorrt-rtx."
    )


@pytest.mark.parametrize("missing", ["flavour", "driver", "context"])
def test_the_first_thing_that_is_missing_is_told(missing, monkeypatch):
    from engines.cuda import context, driver
    from engines.trt.flavour import Flavour

    for name, owner in (("flavour", Flavour), ("driver", driver), ("context", context)):
        said = f"no {name}." if name == missing else None
        monkeypatch.setattr(owner, "missing", lambda *_, said=said: said)
    assert TensorRt().unavailable() == f"no {missing}."
    here = Device(kind="cuda", uuid="GPU-1", sm="sm89")
    built = None if missing == "context" else f"no {missing}."
    assert TensorRt().cannot_build(here) == built


def test_it_says_what_it_is():
    backend = tensorrt.BACKEND()
    assert (backend.name, backend.device, backend.builds_on_device) == ("tensorrt", "cuda", True)
    assert backend.distribution == "tensorrt"
