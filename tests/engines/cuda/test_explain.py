import pytest

from engines.contract import CaptureError, EngineError
from engines.cuda.driver import DriverError
from engines.cuda.explain import explain


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("cuMemAlloc failed: out of memory", "out-of-memory"),
        ("cuEventSynchronize failed: an illegal memory access was encountered", "crash"),
        ("cuStreamSynchronize failed: unspecified launch failure", "crash"),
        ("cuStreamSynchronize failed: misaligned address", "crash"),
        ("cuEventSynchronize failed: the launch timed out and was terminated", "crash"),
        ("cuEventSynchronize failed: uncorrectable ECC error encountered", "crash"),
        ("cuEventSynchronize failed: device-side assert triggered", "crash"),
        ("cuInit failed: no CUDA-capable device is detected", "environment"),
        ("cuDeviceGet failed: invalid device ordinal", "environment"),
        ("cuEventRecord failed: invalid resource handle", "bad-output"),
    ],
)
def test_the_text_of_an_error_tells_its_kind(text, kind):
    meaning = explain(RuntimeError(text))
    assert (meaning.kind, meaning.message) == (kind, text)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CUDA_ERROR_OUT_OF_MEMORY", "out-of-memory"),
        ("CUDA_ERROR_ILLEGAL_ADDRESS", "crash"),
        ("CUDA_ERROR_ECC_UNCORRECTABLE", "crash"),
        ("CUDA_ERROR_LAUNCH_FAILED", "crash"),
        ("CUDA_ERROR_INVALID_VALUE", "build"),
    ],
)
def test_the_name_of_an_error_tells_its_kind_where_there_is_one(name, kind):
    assert explain(DriverError("cuGraphLaunch", name, "…"), default="build").kind == kind


def test_every_known_kind_comes_with_a_hint():
    assert explain(RuntimeError("cuMemAlloc failed: out of memory")).hint == (
        "Lower the batch or another dimension, or free the device of other processes."
    )
    assert explain(RuntimeError("x failed: unspecified launch failure")).hint == (
        "A kernel broke off, and nothing more runs in that process. Try another backend or option."
    )
    assert explain(RuntimeError("x failed: uncorrectable ECC error encountered")).hint == (
        "The device's memory is failing: see `nvidia-smi -q -d ECC`, and reset it."
    )


@pytest.mark.parametrize(
    "error", [EngineError("disk", "full", "Free some."), CaptureError("a", "b")]
)
def test_what_is_explained_already_stays_as_it_is(error):
    assert explain(error) is error


def test_an_error_without_text_is_told_by_its_class():
    assert explain(RuntimeError()).message == "RuntimeError"
