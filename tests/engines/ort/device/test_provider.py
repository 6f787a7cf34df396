from types import SimpleNamespace

import pytest

pytest.importorskip("onnxruntime")

from engines.contract import EngineError
from engines.ort.device import plugin, provider
from engines.ort.device.provider import OnProvider, on_provider, with_effective

CUDA = "CUDAExecutionProvider"


class Running:
    """A session that says of these operators that they run on the device."""

    def __init__(self, *ops):
        nodes = [SimpleNamespace(name="", op_type=op) for op in ops]
        self.subgraph = SimpleNamespace(ep_name=CUDA, get_nodes=lambda: nodes)

    def get_provider_graph_assignment_info(self):
        return [self.subgraph]


class OnlyTheCpu:
    """A session from which ONNX Runtime left the provider out."""

    def get_providers(self):
        return ["CPUExecutionProvider"]


@pytest.mark.parametrize(
    ("library", "hint"),
    [
        ("libcublasLt.so.13", "Install dyno with the 'gpu' extra."),
        ("libcuda.so.1", "Install the NVIDIA driver."),
        ("libnvinfer.so.10", "Install dyno with the 'tensorrt10' extra."),
    ],
)
def test_the_library_that_a_provider_lacks_is_named_with_what_brings_it(monkeypatch, library, hint):
    def refuse(_):
        raise OSError(f"{library}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(provider.ctypes, "CDLL", refuse)
    with pytest.raises(EngineError) as error:
        on_provider(OnlyTheCpu(), CUDA, "", cpu_fallback=True)
    assert error.value.kind == "environment"
    assert error.value.message == f"CUDAExecutionProvider did not load: {library} not found"
    assert error.value.hint == hint


def test_a_provider_whose_libraries_are_there_is_left_to_the_log(monkeypatch):
    monkeypatch.setattr(provider.ctypes, "CDLL", lambda _: None)
    with pytest.raises(EngineError) as error:
        on_provider(OnlyTheCpu(), CUDA, "", cpu_fallback=True)
    assert error.value.message == "CUDAExecutionProvider did not load; its log tells why"


def test_a_plugin_that_was_left_out_is_not_looked_for_in_the_wheel():
    with pytest.raises(EngineError) as error:
        on_provider(OnlyTheCpu(), "PlugExecutionProvider", "", cpu_fallback=True)
    assert error.value.message == "PlugExecutionProvider did not load; its log tells why"


def test_what_cuda_said_in_the_log_is_told(monkeypatch):
    monkeypatch.setattr(provider.ctypes, "CDLL", lambda _: None)
    log = (
        "[E:onnxruntime:Default] CUDA failure 35: CUDA driver version is insufficient for CUDA "
        "runtime version ; GPU=0 ; hostname=h ; expr=cudaSetDevice(info_.device_id);"
    )
    with pytest.raises(EngineError) as error:
        on_provider(OnlyTheCpu(), CUDA, log, cpu_fallback=True)
    assert error.value.kind == "environment"
    assert error.value.message == (
        "CUDAExecutionProvider did not load: CUDA failure 35: CUDA driver version is insufficient "
        "for CUDA runtime version"
    )
    assert error.value.hint == (
        "Update the driver, or install an onnxruntime-gpu that is made for it and for this device."
    )


@pytest.mark.parametrize(
    ("precision", "instead", "notes"),
    [
        ("fp32", None, ()),
        ("fp16", None, ()),
        ("int4", None, ()),
        (
            "int8",
            "fp32",
            ("a note", "0 of 2 matrix operators compute in int8; in fp32: 1 Conv, 1 Gemm"),
        ),
        (
            "fp8-fp16",
            "fp16",
            ("a note", "0 of 2 matrix operators compute in fp8; in fp16: 1 Conv, 1 Gemm"),
        ),
    ],
)
def test_nodes_that_compute_in_floats_between_quantizations_are_told(precision, instead, notes):
    session = Running("QuantizeLinear", "DequantizeLinear", "Conv", "Relu", "Gemm")
    made = OnProvider(session=session, placement=(), notes=("a note",))
    told = with_effective(made, precision)
    assert told.effective_precision == instead
    assert told.notes == (notes or ("a note",))


@pytest.mark.parametrize("way", ["provider", "plugin"])
def test_no_session_on_a_device_quantizes_biases(monkeypatch, tmp_path, way):
    asked = []

    def refuse(*_, disabled_optimizers, **__):
        asked.extend(disabled_optimizers)
        raise RuntimeError("seen")

    monkeypatch.setattr(provider.ort, "InferenceSession", refuse)
    settings = SimpleNamespace(add_provider_for_devices=lambda *_: None)
    monkeypatch.setattr(plugin, "register", lambda *_: None)
    monkeypatch.setattr(plugin, "offered", lambda *_: None)
    monkeypatch.setattr(plugin, "device_session_options", lambda _: settings)
    options = {"provider": "P", "library": "p.so", "provider_options": ""}
    with pytest.raises(RuntimeError, match="seen"):
        if way == "provider":
            provider.session_on(tmp_path, settings, [(CUDA, {})], cpu_fallback=False)
        else:
            plugin.plugin_session(tmp_path, options, kind="GPU")
    assert asked == ["WeightBiasQuantization"]
