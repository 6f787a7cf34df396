import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.backends.onnxruntime_cuda import OnnxRuntimeCuda
from engines.contract import CaptureError, Device, EngineError, PreparedModel, Site
from engines.cuda import context as cuda_context
from harness.timing import loop_name, make_loop
from suites.case import Case

ort = pytest.importorskip("onnxruntime")

GPU = "GPU-00000000-5171-4a7e-8000-00000000c0de"
SITE = Site(
    device=Device(kind="cuda", name="Simulated GPU", uuid=GPU, sm="sm90"), scratch=Path("unused")
)
X = np.array([[-1, 2, -3, 4]] * 2, np.float32)
NO_PYCUDA = "pycuda is not installed. Install dyno with the 'cuda' extra (docs/gpu.md)."


def case(precision="fp32", **options):
    return Case(
        model="m",
        backend="onnxruntime-cuda",
        precision=precision,
        batch=2,
        options=tuple(options.items()),
    )


def tensor(name, *shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def save(path, nodes, inputs, outputs, initializers=(), **saving):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", 21)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.save(model, path, **saving)
    return PreparedModel(path=path, sha256="0" * 64, external_data=bool(saving))


@pytest.fixture
def relu(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="matmul"),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("Shape", ["x"], ["shape"], name="shape"),
        helper.make_node("Reshape", ["r", "shape"], ["y"], name="reshape"),
    ]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], np.eye(4).ravel())
    outputs = [tensor("y", "batch", 4)]
    return save(tmp_path / "m.onnx", nodes, [tensor("x", "batch", 4)], outputs, [weight])


@pytest.fixture
def opened(simulated_ort, relu, tmp_path):
    """Return what opens a session of the model with options."""
    del simulated_ort  # it is in place

    def start(inputs=None, precision="fp32", **options):
        backend, asked = OnnxRuntimeCuda(), case(precision, **options)
        engine = backend.build(relu, asked, tmp_path / "engine", SITE)
        return backend.open(engine, asked, inputs or {"x": X}, SITE)

    return start


def run(session, queries):
    from simulated.machine import machine

    session.host_clock = machine().clock.now_ns
    return make_loop(session)(queries)()


def test_a_query_is_stamped_on_the_device_and_computes_what_the_model_says(opened):
    with opened() as session:
        assert loop_name(session) == "device-stamped"
        timings = run(session, 3)
        assert timings.gpu_compute_ns.tolist() == [205_000] * 3, "an idle device waits for the host"
        assert timings.enqueue_ns.tolist() == [5_000] * 3
        assert timings.h2d_ns is None
        assert timings.d2h_ns is None
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2


def test_copies_are_stamped_beside_the_compute_time(opened):
    with opened(transfers="copied") as session:
        timings = run(session, 3)
        assert timings.h2d_ns.tolist() == [10_000] * 3
        assert timings.d2h_ns.tolist() == [10_000] * 3
        assert timings.gpu_compute_ns.tolist() == [200_000] * 3
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2


def test_each_stream_has_a_session_and_each_slot_its_place_on_one(opened):
    with opened(streams=2, queue_depth=2) as session:
        assert len(session.enqueue) == len(session.wait) == 4
        assert session.enqueue[0] is session.enqueue[2]
        assert session.enqueue[0] is not session.enqueue[1]
        timings = run(session, 40)
        assert timings.elapsed_ns == pytest.approx(40 * 200_000 / 2, rel=0.1)
        assert session.facts().notes == (
            "each of the 2 streams has a session of its own, with the weights again",
        )
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2


def test_the_cache_is_flushed_before_each_query_but_not_in_its_time(opened):
    with opened(l2="flushed") as session:
        assert run(session, 2).gpu_compute_ns.tolist() == [205_000] * 2


def test_a_captured_graph_takes_the_hosts_time_of_a_launch(opened):
    with opened(cuda_graph=True) as session:
        session.capture()
        timings = run(session, 3)
        assert timings.enqueue_ns.tolist() == [1_000] * 3
        assert timings.gpu_compute_ns.tolist() == [201_000] * 3
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2


def test_without_the_option_there_is_no_graph_to_capture(opened):
    with opened() as session, pytest.raises(CaptureError) as error:
        session.capture()
    assert error.value.message == "the session was opened without cuda_graph"


def test_a_graph_that_cannot_be_captured_leaves_the_queries_as_they_were(opened, simulated_ort):
    simulated_ort(fail="ort-capture")
    with opened(cuda_graph=True) as session:
        before = list(session.enqueue)
        with pytest.raises(CaptureError, match="CUDA failure 901: operation failed") as error:
            session.capture()
        assert error.value.hint == "Leave cuda_graph out for this model."
        assert session.enqueue == before


@pytest.mark.parametrize("with_pycuda", [True, False])
def test_a_graph_whose_launch_breaks_a_kernel_is_a_crash(
    opened, simulated_ort, monkeypatch, with_pycuda
):
    simulated_ort(fail="launch")
    if not with_pycuda:
        monkeypatch.setattr(cuda_context, "missing", lambda: NO_PYCUDA)
    with opened(cuda_graph=True) as session, pytest.raises(EngineError) as error:
        session.capture()
    assert error.value.kind == "crash"
    assert error.value.message.startswith("CUDA failure 719: unspecified launch failure")
    assert "cuda_graph" not in error.value.hint


def test_a_session_that_refuses_graphs_is_a_refused_capture(opened, simulated_ort):
    simulated_ort(fail="ort-graph")
    with (
        pytest.raises(CaptureError, match="cannot use the graph capture feature") as error,
        opened(cuda_graph=True),
    ):
        pass
    assert error.value.kind == "build"


def test_the_facts_tell_the_placement_of_every_node(opened):
    with opened() as session:
        facts = session.facts()
    on_device, on_host = facts.placement
    assert (on_device.provider, on_device.nodes) == ("CUDAExecutionProvider", 3)
    assert set(on_device.examples) == {"matmul", "relu", "reshape"}
    assert (on_host.provider, on_host.examples) == ("CPUExecutionProvider", ("shape",))
    assert (facts.runtime, facts.device) == ("onnxruntime", "Simulated GPU")
    assert facts.notes == ()
    assert facts.options["cudnn_conv_algo_search"] == "EXHAUSTIVE"


def test_a_node_that_computes_on_the_cpu_fails_the_case_and_is_named(opened, simulated_ort):
    simulated_ort(fail="ort-cpu")
    with pytest.raises(EngineError) as error, opened():
        pass
    assert error.value.kind == "fallback"
    assert error.value.message == (
        "1 of 4 nodes run on the CPU instead of CUDAExecutionProvider: 'matmul' (MatMul)"
    )
    assert error.value.hint == (
        "Change the model, or set `cpu_fallback: allow` to measure it as it is."
    )


def test_a_fallback_that_is_allowed_is_told_with_its_copies(opened, simulated_ort, capfd):
    del capfd  # a worker's stderr is a file too
    simulated_ort(fail="ort-cpu")
    with opened(cpu_fallback="allow") as session:
        facts = session.facts()
    assert facts.notes == (
        "1 of 4 nodes run on the CPU instead of CUDAExecutionProvider: 'matmul' (MatMul)",
        "2 copies between host and device inside each query",
    )
    placed = {placed.provider: placed.nodes for placed in facts.placement}
    assert placed == {"CUDAExecutionProvider": 2, "CPUExecutionProvider": 2, "Memcpy": 2}


def test_a_provider_that_did_not_load_is_no_measurement_of_the_cpu(opened, simulated_ort):
    simulated_ort(fail="ort-load")
    with pytest.raises(EngineError) as error, opened(cpu_fallback="allow"):
        pass
    assert error.value.kind == "environment"
    assert error.value.message.startswith("CUDAExecutionProvider did not load")


def test_no_room_for_the_weights_is_out_of_memory(opened, simulated_ort):
    simulated_ort(fail="ort-memory")
    with pytest.raises(EngineError) as error, opened():
        pass
    assert error.value.kind == "out-of-memory"
    assert "Failed to allocate memory for requested buffer of size" in error.value.message


def test_no_room_for_the_inputs_is_out_of_memory(opened, simulated_ort):
    simulated_ort(fail="memory")
    with pytest.raises(EngineError) as error, opened():
        pass
    assert error.value.kind == "out-of-memory"


def test_a_kernel_that_breaks_off_is_a_crash(opened, simulated_ort):
    simulated_ort(fail="compute@3")
    with opened() as session, pytest.raises(Exception, match="illegal memory") as raised:
        run(session, 5)
    assert OnnxRuntimeCuda().explain(raised.value).kind == "crash"


def test_everything_on_the_device_is_released_at_the_end(opened):
    from simulated.machine import machine

    with opened(transfers="copied", streams=2, l2="hot") as session:
        run(session, 4)
        assert machine().devices[0].memory.allocations > 0
        assert session.facts().device_memory_bytes > 0
    del session
    assert machine().devices[0].memory.allocations == 0


@pytest.mark.parametrize("word", ["ort-cpu", "ort-graph", "memory"])
def test_everything_is_released_when_opening_fails(opened, simulated_ort, word):
    machine = simulated_ort(fail=word)
    with pytest.raises(EngineError), opened(cuda_graph=True):
        pass
    assert machine.devices[0].memory.allocations == 0


@pytest.mark.parametrize(
    ("precision", "setting", "variable", "effective"),
    [
        ("fp32", "0", "0", None),
        ("fp16", "0", "0", None),
        ("int8", "0", "0", "fp32"),
        ("tf32", "1", None, "tf32"),
    ],
)
def test_tf32_is_used_for_that_precision_alone(opened, precision, setting, variable, effective):
    with opened(precision=precision) as session:
        settings = session._lanes[0]._session.get_provider_options()["CUDAExecutionProvider"]
        assert settings["use_tf32"] == setting
        assert os.environ.get("NVIDIA_TF32_OVERRIDE") == variable
        assert session.facts().effective_precision == effective


def test_a_graph_that_multiplies_no_integers_is_not_called_int8(opened):
    with opened(precision="int8") as session:
        note = "0 of 1 matrix operators compute in int8; in fp32: 1 MatMul"
        assert note in session.facts().notes


def test_every_option_is_set_on_the_provider(opened):
    asked = {
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": False,
        "prefer_nhwc": True,
        "fuse_conv_bias": True,
        "sdpa_kernel": 2,
        "tunable_op_enable": True,
        "arena_extend_strategy": "kSameAsRequested",
        "gpu_mem_limit": 1 << 30,
    }
    with opened(**asked) as session:
        lane = session._lanes[0]
        settings = lane._session.get_provider_options()["CUDAExecutionProvider"]
        assert settings == {
            "cudnn_conv_algo_search": "HEURISTIC",
            "cudnn_conv_use_max_workspace": "0",
            "prefer_nhwc": "1",
            "fuse_conv_bias": "1",
            "sdpa_kernel": "2",
            "tunable_op_enable": "1",
            "tunable_op_tuning_enable": "1",
            "arena_extend_strategy": "kSameAsRequested",
            "gpu_mem_limit": "1073741824",
            "do_copy_in_default_stream": "1",
            "device_id": "0",
            "use_tf32": "0",
            "enable_cuda_graph": "0",
            "user_compute_stream": str(lane.stream.handle),
        }


@pytest.mark.usefixtures("simulated_ort")
def test_an_input_that_the_session_wants_on_the_host_stays_there(tmp_path):
    nodes = [helper.make_node("Add", ["x", "n"], ["y"], name="add")]
    inputs = [tensor("x", 3, kind=TensorProto.INT64), tensor("n", kind=TensorProto.INT64)]
    model = save(tmp_path / "m.onnx", nodes, inputs, [tensor("y", 3, kind=TensorProto.INT64)])
    backend = OnnxRuntimeCuda()
    engine = backend.build(model, case(), tmp_path / "e", SITE)
    given = {"x": np.arange(3), "n": np.array(5)}
    with backend.open(engine, case(), given, SITE) as session:
        assert list(session._lanes[0].inputs) == ["x"]
        run(session, 1)
        assert session.outputs()["y"].tolist() == [5, 6, 7]
        session.feed({"x": np.array([7, 7, 8]), "n": np.array(1)})
        run(session, 1)
        assert session.outputs()["y"].tolist() == [8, 8, 9]


def test_an_input_that_is_not_given_is_named(opened):
    with pytest.raises(EngineError) as error, opened({"z": X}):
        pass
    assert error.value.message == "engine: expected an array for input 'x', got ['z']"


@pytest.fixture
def no_pycuda(monkeypatch):
    monkeypatch.setattr(cuda_context, "missing", lambda: NO_PYCUDA)


@pytest.mark.usefixtures("no_pycuda")
def test_without_pycuda_queries_block_on_the_hosts_clock_and_it_says_so(opened):
    with opened() as session:
        assert loop_name(session) == "blocking"
        timings = run(session, 3)
        assert timings.wall_ns.tolist() == [205_000] * 3
        assert timings.gpu_compute_ns is None
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2
        assert session.facts().notes == (f"timed on the host's clock alone: {NO_PYCUDA}",)


@pytest.mark.usefixtures("no_pycuda")
@pytest.mark.parametrize("graph", [False, True])
def test_without_pycuda_other_values_are_fed_to_where_the_inputs_are(opened, graph):
    with opened(cuda_graph=graph) as session:
        if graph:
            session.capture()
        session.feed({"x": -X})
        run(session, 1)
        assert session.outputs()["y"].tolist() == [[1, 0, 3, 0]] * 2


@pytest.mark.usefixtures("no_pycuda")
def test_without_pycuda_a_graph_is_captured_all_the_same(opened):
    with opened(cuda_graph=True) as session:
        session.capture()
        assert run(session, 2).wall_ns.tolist() == [201_000] * 2
        assert session.outputs()["y"].tolist() == [[0, 2, 0, 4]] * 2


def test_the_engine_is_the_model_whatever_is_asked_of_it(relu, tmp_path):
    backend = OnnxRuntimeCuda()
    engine = backend.build(relu, case(streams=2), tmp_path / "e", SITE)
    assert engine.path.read_bytes() == relu.path.read_bytes()
    asked = case("fp16", prefer_nhwc=True)
    assert backend.engine_key(case(), SITE.device) == backend.engine_key(asked, SITE.device)


@pytest.mark.usefixtures("simulated_ort")
def test_weights_outside_the_model_go_along(tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul")]
    weight = onnx.numpy_helper.from_array(np.eye(4, dtype=np.float32) * 3, "w")
    source = tmp_path / "source"
    source.mkdir()
    model = save(
        source / "m.onnx",
        nodes,
        [tensor("x", 2, 4)],
        [tensor("y", 2, 4)],
        [weight],
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    backend, target = OnnxRuntimeCuda(), tmp_path / "target"
    target.mkdir()
    engine = backend.build(model, case(), target / "engine", SITE)
    assert sorted(file.name for file in target.iterdir()) == ["engine", "engine.0.data"]
    for file in source.iterdir():
        file.unlink()
    with backend.open(engine, case(), {"x": X}, SITE) as session:
        run(session, 1)
        assert np.array_equal(session.outputs()["y"], X * 3)
