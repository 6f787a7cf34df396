import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.backends.onnxruntime_plugin import OnnxRuntimePlugin
from engines.contract import Device, EngineError, PreparedModel, Site
from harness.timing import loop_name, make_loop
from suites.case import Case

pytest.importorskip("onnxruntime")

DEVICE = Device(kind="cuda", name="Simulated GPU", sm="sm90")
X = np.array([[-1, 2]] * 2, np.float32)


def case(precision="fp32", **options):
    return Case(
        model="m",
        backend="onnxruntime-plugin",
        precision=precision,
        batch=2,
        options=tuple(options.items()),
    )


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "libplugin.so"
    path.touch()
    return path


@pytest.fixture
def opened(simulated_ort, tmp_path, library):
    """Return what opens a session of a model on the plugin, with options."""
    del simulated_ort  # it is in place
    site = Site(device=DEVICE, scratch=tmp_path)
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in ("x", "y")]
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="relu")]
    graph = helper.make_graph(nodes, "g", info[:1], info[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(made, tmp_path / "m.onnx")
    model = PreparedModel(path=tmp_path / "m.onnx", sha256="0" * 64)

    def start(**options):
        backend = OnnxRuntimePlugin()
        asked = case(**{"provider": "Plug", "library": str(library), **options})
        engine = backend.build(model, asked, tmp_path / "engine", site)
        return backend.open(engine, asked, {"x": X}, site)

    return start


def test_the_cuda_libraries_of_wheels_are_there_before_a_plugin_loads(real_ort, monkeypatch):
    loaded = []
    monkeypatch.setattr(real_ort, "preload_dlls", lambda: loaded.append("CUDA"), raising=False)
    OnnxRuntimePlugin().load()
    assert loaded == ["CUDA"]


def test_a_plugin_runs_the_model_and_tells_where_its_nodes_are(opened):
    with opened(provider_options="a=1, b = x=y") as session:
        assert loop_name(session) == "blocking"
        make_loop(session)(2)()
        assert session.outputs()["y"].tolist() == [[0, 2]] * 2
        facts = session.facts()
        assert session._session.get_provider_options()["Plug"] == {"a": "1", "b": "x=y"}
    (placed,) = facts.placement
    assert (placed.provider, placed.nodes, placed.examples) == ("Plug", 1, ("relu",))
    assert facts.device == "Simulated GPU"
    assert facts.options["transfers"] == "copied"
    assert facts.notes == ("inputs and outputs are in host memory: each query copies them",)


def test_a_plugin_is_registered_once_a_process(opened):
    for _ in range(2):
        with opened() as session:
            make_loop(session)(1)()


def test_a_fallback_of_a_plugin_is_a_failure_too(opened, simulated_ort):
    simulated_ort(fail="ort-cpu")
    with pytest.raises(EngineError) as error, opened():
        pass
    assert error.value.kind == "fallback"


def test_a_library_that_does_not_load_is_a_matter_of_the_environment(opened, tmp_path):
    gone = tmp_path / "gone.so"
    with pytest.raises(EngineError) as error, opened(library=str(gone)):
        pass
    assert error.value.kind == "environment"
    assert error.value.message == (
        f"Plug did not load: {gone}: cannot open shared object file: No such file or directory"
    )


def test_a_plugin_that_offers_no_gpu_is_told_with_what_there_is(simulated_ort):
    from engines.ort.device.plugin import offered

    del simulated_ort  # it is in place
    with pytest.raises(EngineError) as error:
        offered("CPUExecutionProvider", "GPU")
    assert error.value.message == (
        "provider 'CPUExecutionProvider': expected a GPU among its devices, got CPU"
    )
    assert error.value.hint == "Give the plugin's own name; here are CPUExecutionProvider."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "no plugin is chosen; set the options `provider` and `library`"),
        (
            {"provider": "Plug", "library": "lib.so"},
            "library: expected a path from the root, got 'lib.so'",
        ),
        (
            {"provider": "Plug", "library": "/nowhere/lib.so"},
            "library: expected a file, got '/nowhere/lib.so'; install the plugin",
        ),
        (
            {"provider": "Plug", "library": __file__, "provider_options": "a"},
            "provider_options: expected `k=v,k2=v2`, got 'a'",
        ),
        ({"provider": "Plug", "library": __file__, "provider_options": "a=1"}, None),
    ],
)
def test_what_is_wrong_with_the_choice_is_told_before_anything_runs(options, sentence):
    assert OnnxRuntimePlugin().unsupported(case(**options), DEVICE) == sentence


def test_tf32_is_nothing_that_a_plugin_can_be_told():
    assert OnnxRuntimePlugin().unsupported(case("tf32"), DEVICE) == (
        "a plugin has no common setting for TF32; use fp32, and its provider_options"
    )
