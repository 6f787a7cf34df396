import pytest

from engines.contract import Device
from engines.cuda.precision import lacking


@pytest.mark.parametrize(
    ("precision", "sm", "sentence"),
    [
        ("tf32", "sm75", "tf32 needs sm80 or newer, and the device is sm75; use fp32"),
        ("bf16", "sm75", "bf16 needs sm80 or newer, and the device is sm75; use fp16"),
        ("fp8", "sm86", "fp8 needs sm89 or newer, and the device is sm86; use fp16"),
        ("fp8", "sm89", None),
        ("tf32", "sm120", None),
        ("int8", "sm75", None),
        ("fp8", "", None),
        (
            "int8-dynamic",
            "sm90",
            "int8-dynamic is for CPUs: its operators have no kernels on the device; use int8",
        ),
    ],
)
def test_a_device_has_what_its_compute_capability_tells(precision, sm, sentence):
    assert lacking(precision, Device(kind="cuda", sm=sm)) == sentence
