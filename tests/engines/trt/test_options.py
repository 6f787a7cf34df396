import pytest

from engines.contract import Device, resolve_options
from engines.registry import get
from engines.trt.flavour import RTX, TENSORRT
from engines.trt.options import RTX_OPTIONS, TENSORRT_OPTIONS

HERE = Device(kind="cuda", name="GPU", uuid="GPU-1", sm="sm89", driver="580.65.06")
NAMES = ("tensorrt", "tensorrt-rtx")


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_case_is_supported(name, case):
    assert get(name).unsupported(case(name), HERE) is None


@pytest.mark.parametrize(
    ("names", "told", "sentence"),
    [
        (
            NAMES,
            {"l2": "flushed", "streams": 2},
            "caches cannot be flushed under queries in flight; use one stream and depth 1",
        ),
        (
            NAMES,
            {"batch": 8, "max_batch": 4},
            "batch 8 is above max_batch=4; change min_batch and max_batch, or leave them out",
        ),
        (
            NAMES,
            {"batch": 2, "min_batch": 4},
            "min_batch=4 is above batch 2; change min_batch and max_batch, or leave them out",
        ),
        (
            NAMES,
            {"batch": 4, "min_batch": 8, "max_batch": 2},
            "min_batch=8 is above max_batch=2; change min_batch and max_batch, or leave them out",
        ),
        (
            NAMES,
            {"batch": 1, "min_batch": 2, "max_batch": 4},
            (
                "batch 1 is outside the plan's profile 2..4; change min_batch and max_batch, "
                "or leave them out"
            ),
        ),
        (
            NAMES,
            {"opt_batch": 9, "max_batch": 4},
            "opt_batch=9 is outside the plan's profile 2..4; change it",
        ),
        (
            ("tensorrt",),
            {"precision": "fp64"},
            "TensorRT computes doubles in fp32; use fp32, or another backend",
        ),
        (
            ("tensorrt-rtx",),
            {"optimization_level": 5},
            "optimization_level has no effect on TensorRT-RTX; leave it out",
        ),
        (
            ("tensorrt-rtx",),
            {"timing_cache": True},
            "TensorRT-RTX has no timing cache; leave timing_cache out",
        ),
    ],
)
def test_what_cannot_be_says_why_and_what_to_do(names, told, sentence, case):
    for name in names:
        assert get(name).unsupported(case(name, **told), HERE) == sentence


@pytest.mark.parametrize(
    ("precision", "sm", "sentence"),
    [
        ("tf32", "sm75", "tf32 needs sm80 or newer, and the device is sm75; use fp32"),
        ("bf16", "sm75", "bf16 needs sm80 or newer, and the device is sm75; use fp16"),
        ("fp8", "sm86", "fp8 needs sm89 or newer, and the device is sm86; use fp16"),
        ("fp8", "sm89", None),
        ("fp8", "", None),
        ("int8", "sm75", None),
    ],
)
def test_a_precision_needs_a_device_that_has_it(precision, sm, sentence, case):
    device = Device(kind="cuda", sm=sm)
    assert get("tensorrt").unsupported(case(precision=precision), device) == sentence


def test_rtx_says_for_what_it_builds(case):
    sentence = "TensorRT-RTX builds for sm75, sm80, sm86, sm89, sm120, sm121, not for sm90"
    device = Device(kind="cuda", sm="sm90", uuid="GPU-1")
    assert get("tensorrt-rtx").unsupported(case("tensorrt-rtx"), device) == sentence


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("told", "is_another"),
    [
        ({"batch": 4}, True),
        ({"dims": [("sequence", 8)]}, True),
        ({"precision": "tf32"}, True),
        ({"precision": "fp16"}, False),
        ({"workspace": 1 << 20}, True),
        ({"aux_streams": 0}, True),
        ({"max_batch": 8}, True),
        ({"streams": 2, "queue_depth": 2, "transfers": "copied"}, False),
        ({"cuda_graph": True, "sync": "block"}, False),
        ({"l2": "flushed"}, False),
        ({"timing_cache": True}, False),
    ],
)
def test_the_key_has_what_changes_the_plan(name, told, is_another, case):
    backend = get(name)
    plain = backend.engine_key(case(name), HERE)
    assert (backend.engine_key(case(name, **told), HERE) != plain) == is_another


@pytest.mark.parametrize("name", NAMES)
def test_cases_of_one_profile_share_a_plan(name, case):
    told = {"min_batch": 1, "opt_batch": 4, "max_batch": 8}
    keys = [get(name).engine_key(case(name, batch=batch, **told), HERE) for batch in (1, 8)]
    assert keys[0] == keys[1]


def test_a_plan_built_ahead_is_found_on_a_device_of_its_kind(case):
    asked, backend = case("tensorrt-rtx"), get("tensorrt-rtx")
    ahead = Device(kind="cuda", sm="sm89")
    assert backend.engine_key(asked, ahead) == backend.engine_key(asked, HERE)


def test_a_tuned_plan_belongs_to_its_device_and_driver(case):
    backend = get("tensorrt")
    keys = [
        backend.engine_key(case(), Device(kind="cuda", sm="sm89", name=name, driver=driver))
        for name, driver in (("A", "1"), ("B", "1"), ("A", "2"))
    ]
    assert keys[0] != keys[1]
    assert keys[0] != keys[2]


def test_both_have_the_same_options_so_that_a_suite_can_name_both():
    names = [[option.name for option in options] for options in (TENSORRT_OPTIONS, RTX_OPTIONS)]
    assert names[0] == names[1]
    assert {"cuda_graph", "transfers", "streams", "queue_depth", "sync", "l2"} <= set(names[0])


def test_the_defaults_are_supported_by_both(case):
    assert resolve_options(get("tensorrt"), case())["timing_cache"] is True
    assert resolve_options(get("tensorrt-rtx"), case("tensorrt-rtx"))["timing_cache"] is False
    assert TENSORRT.ahead is False
    assert RTX.ahead is True
