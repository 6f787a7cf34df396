from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.backends.onnxruntime_tensorrt import OnnxRuntimeTensorrt
from engines.contract import Device, EngineError, PreparedModel, Site
from engines.ort import wheels
from engines.ort.device import tensorrt_library
from harness.timing import make_loop
from suites.case import Case

pytest.importorskip("onnxruntime")

DEVICE = Device(
    kind="cuda", name="Simulated GPU", uuid="GPU-00000000-5171-4a7e-8000-00000000c0de", sm="sm90"
)
X = np.array([[-1, 2]] * 2, np.float32)


def case(precision="fp32", **options):
    return Case(
        model="m",
        backend="onnxruntime-tensorrt",
        precision=precision,
        batch=2,
        options=tuple(options.items()),
    )


def save(path, *shape):
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(made, path)
    return PreparedModel(path=path, sha256="0" * 64)


@pytest.fixture
def site(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Site(device=DEVICE, scratch=scratch)


@pytest.fixture
def settings(simulated_ort, monkeypatch):
    """The provider's settings of each session that is made."""
    import onnxruntime as ort

    del simulated_ort  # it is in place
    found = []
    simulated = ort.InferenceSession

    def make(path, options, providers, **more):
        found.append(dict(providers[:-1]))
        return simulated(path, options, providers, **more)

    monkeypatch.setattr(ort, "InferenceSession", make)
    return found


def test_the_build_makes_plans_for_exactly_the_cases_shapes(settings, site, tmp_path):
    engine = OnnxRuntimeTensorrt().build(
        save(tmp_path / "m.onnx", "batch", 2), case(), tmp_path / "engine", site
    )
    assert engine.facts == {"plans": True}
    assert settings[0]["TensorrtExecutionProvider"] == {
        "trt_builder_optimization_level": "3",
        "trt_max_workspace_size": "0",
        "trt_auxiliary_streams": "-1",
        "trt_fp16_enable": "0",
        "trt_bf16_enable": "0",
        "trt_int8_enable": "0",
        "device_id": "0",
        "trt_cuda_graph_enable": "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(tmp_path),
        "trt_engine_cache_prefix": "engine",
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(site.scratch),
        "trt_profile_min_shapes": "x:2x2",
        "trt_profile_opt_shapes": "x:2x2",
        "trt_profile_max_shapes": "x:2x2",
    }


def test_opening_reads_the_plans_and_runs_on_dynos_stream(settings, site, tmp_path):
    backend = OnnxRuntimeTensorrt()
    model = save(tmp_path / "m.onnx", "batch", 2)
    engine = backend.build(model, case(), tmp_path / "engine", site)
    with backend.open(engine, case(), {"x": X}, site) as session:
        handle = str(session._lanes[0].stream.handle)
        assert [given["user_compute_stream"] for given in settings[1].values()] == [handle] * 2
        assert settings[1]["TensorrtExecutionProvider"]["trt_engine_cache_path"] == str(tmp_path)
        make_loop(session)(1)()
        assert session.outputs()["y"].tolist() == [[0, 2]] * 2
        (placed,) = session.facts().placement
    assert (placed.provider, placed.nodes) == ("TensorrtExecutionProvider", 1)


def test_shapes_that_only_the_inputs_tell_are_planned_when_they_are_there(settings, site, tmp_path):
    backend = OnnxRuntimeTensorrt()
    model = save(tmp_path / "m.onnx", "rows", 2)
    engine = backend.build(model, case(), tmp_path / "engine", site)
    assert engine.facts == {}
    assert settings == []
    with backend.open(engine, case(), {"x": X}, site):
        given = settings[0]["TensorrtExecutionProvider"]
        assert given["trt_profile_opt_shapes"] == "x:2x2"
        assert given["trt_engine_cache_path"] == str(site.scratch)


def test_plans_made_when_opening_are_never_those_of_another_engine(settings, site, tmp_path):
    backend, model = OnnxRuntimeTensorrt(), save(tmp_path / "m.onnx", "rows", 2)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        engine = backend.build(model, case(), tmp_path / name / "engine", site)
        for _ in range(2):
            with backend.open(engine, case(), {"x": X}, site):
                pass
    found = [each["TensorrtExecutionProvider"]["trt_engine_cache_prefix"] for each in settings]
    assert found[0] == found[1] != found[2] == found[3]


def test_a_replayed_graph_waits_and_is_told_to(settings, simulated_ort, site, tmp_path):
    simulated_ort(fail="ort-replay")
    backend, asked = OnnxRuntimeTensorrt(), case(cuda_graph=True)
    engine = backend.build(save(tmp_path / "m.onnx", "batch", 2), asked, tmp_path / "e", site)
    assert settings[0]["TensorrtExecutionProvider"]["trt_cuda_graph_enable"] == "1"
    with backend.open(engine, asked, {"x": X}, site) as session:
        session.capture()
        assert session.facts().enqueue_waits is True


def test_nodes_left_to_the_cuda_provider_are_a_note():
    from engines.contract import Placement
    from engines.ort.device.provider import OnProvider, with_rest

    wanted, rest = "TensorrtExecutionProvider", "CUDAExecutionProvider"
    placed = (Placement(provider=wanted, nodes=5), Placement(provider=rest, nodes=2))
    made = OnProvider(session=None, placement=placed, notes=())
    assert with_rest(made, wanted, rest).notes == (
        "2 nodes run on CUDAExecutionProvider, which TensorrtExecutionProvider did not take",
    )
    only = replace(made, placement=placed[:1])
    assert with_rest(only, wanted, rest).notes == ()


def test_a_fallback_to_the_cpu_fails_the_build(simulated_ort, site, tmp_path):
    simulated_ort(fail="ort-cpu")
    model = save(tmp_path / "m.onnx", "batch", 2)
    with pytest.raises(EngineError) as error:
        OnnxRuntimeTensorrt().build(model, case(), tmp_path / "engine", site)
    assert error.value.kind == "fallback"


@pytest.mark.parametrize(
    ("other", "is_another"),
    [
        (case(sync="block"), False),
        (case(streams=2), False),
        (case("tf32"), True),
        (replace(case(), batch=4), True),
        (case(trt_builder_optimization_level=5), True),
    ],
)
def test_the_key_has_what_the_plans_depend_on(other, is_another):
    backend = OnnxRuntimeTensorrt()
    keys = [backend.engine_key(each, DEVICE) for each in (case(), other)]
    assert (keys[0] != keys[1]) == is_another
    assert backend.engine_key(case(), replace(DEVICE, sm="sm80")) != keys[0]
    assert backend.engine_key(case(), replace(DEVICE, driver="570")) != keys[0]


def test_under_tensorrt_11_it_is_unavailable_with_that_sentence(monkeypatch, tmp_path):
    provider = tmp_path / "libonnxruntime_providers_tensorrt.so"
    provider.write_bytes(b"libnvinfer.so.10\0")
    (tmp_path / "libnvinfer.so.11").touch()
    monkeypatch.setattr(wheels, "missing", lambda _: None)
    monkeypatch.setattr(wheels, "lacks", lambda _: None)
    monkeypatch.setattr(tensorrt_library, "provider_library", lambda _: provider)
    monkeypatch.setattr(tensorrt_library, "_folders", lambda: [tmp_path])
    assert OnnxRuntimeTensorrt().unavailable() == (
        "the installed onnxruntime links TensorRT 10 (libnvinfer.so.10), and TensorRT 11 is "
        "installed. Install dyno with the 'tensorrt10' extra in its place."
    )
