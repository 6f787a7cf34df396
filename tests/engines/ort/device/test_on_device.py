import pytest

from engines.backends.onnxruntime_cuda import OnnxRuntimeCuda
from engines.contract import Device, EngineError, PreparedModel, Site
from engines.cuda import context as cuda_context
from engines.cuda import driver
from engines.ort import wheels
from suites.case import Case

SITE = Site(device=Device(kind="cuda", sm="sm90"), scratch=None)
NO_PYCUDA = "pycuda is not installed. Install dyno with the 'cuda' extra (docs/gpu.md)."


def case(precision="fp32", **options):
    return Case(
        model="m",
        backend="onnxruntime-cuda",
        precision=precision,
        batch=2,
        options=tuple(options.items()),
    )


@pytest.fixture
def no_pycuda(monkeypatch):
    monkeypatch.setattr(cuda_context, "missing", lambda: NO_PYCUDA)


@pytest.fixture
def pycuda(monkeypatch):
    monkeypatch.setattr(cuda_context, "missing", lambda: None)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("transfers", "copied"),
        ("streams", 2),
        ("queue_depth", 2),
        ("sync", "block"),
        ("l2", "flushed"),
    ],
)
@pytest.mark.usefixtures("no_pycuda")
def test_without_pycuda_what_needs_its_streams_is_unsupported(option, value):
    assert OnnxRuntimeCuda().unsupported(case(**{option: value}), SITE.device) == (
        f"{option}={value} needs pycuda: {NO_PYCUDA}"
    )


@pytest.mark.usefixtures("no_pycuda")
def test_plain_cases_are_supported_without_pycuda():
    assert OnnxRuntimeCuda().unsupported(case(cuda_graph=True), SITE.device) is None


@pytest.mark.usefixtures("pycuda")
def test_caches_are_not_flushed_under_queries_in_flight():
    assert OnnxRuntimeCuda().unsupported(case(l2="flushed", streams=2), SITE.device) == (
        "caches cannot be flushed under queries in flight; use one stream and depth 1"
    )


@pytest.mark.parametrize(
    ("precision", "sentence"),
    [
        ("tf32", "tf32 needs sm80 or newer, and the device is sm75; use fp32"),
        ("bf16", "bf16 needs sm80 or newer, and the device is sm75; use fp16"),
        ("fp16", None),
    ],
)
def test_precisions_that_an_old_device_lacks_are_unsupported(precision, sentence):
    old = Device(kind="cuda", sm="sm75")
    assert OnnxRuntimeCuda().unsupported(case(precision), old) == sentence


def test_a_model_that_cannot_be_read_is_a_matter_of_the_disk(tmp_path):
    gone = PreparedModel(path=tmp_path / "gone.onnx", sha256="0")
    with pytest.raises(EngineError) as error:
        OnnxRuntimeCuda().build(gone, case(), tmp_path / "e", SITE)
    assert error.value.kind == "disk"
    assert error.value.message == f"{gone.path}: No such file or directory"


def test_the_wheel_of_the_cpu_is_told_from_that_of_the_gpu(monkeypatch):
    monkeypatch.setattr(wheels, "missing", lambda _: None)
    assert OnnxRuntimeCuda().unavailable() == (
        "the installed onnxruntime is the CPU one: it has no libonnxruntime_providers_cuda.so. "
        "Run `pip uninstall onnxruntime`, then install dyno with the 'gpu' extra."
    )


def test_what_is_missing_is_told_from_the_runtime_to_the_driver(monkeypatch):
    old = "13.0 is not for 12.4"
    monkeypatch.setattr(wheels, "missing", lambda _: "no onnxruntime")
    monkeypatch.setattr(wheels, "lacks", lambda _: "no provider")
    monkeypatch.setattr(driver, "missing", lambda: "no driver")
    monkeypatch.setattr(driver, "driver_version", lambda: "12.4")
    monkeypatch.setattr(
        wheels, "needs_newer_driver", lambda found: old if found == "12.4" else None
    )
    told = []
    for module, name in ((wheels, "missing"), (wheels, "lacks"), (driver, "missing")):
        told.append(OnnxRuntimeCuda().unavailable())
        monkeypatch.setattr(module, name, lambda *_: None)
    told.append(OnnxRuntimeCuda().unavailable())
    assert told == ["no onnxruntime", "no provider", "no driver", old]
    monkeypatch.setattr(wheels, "needs_newer_driver", lambda _: None)
    assert OnnxRuntimeCuda().unavailable() is None
    assert OnnxRuntimeCuda().cannot_build(SITE.device) is None
