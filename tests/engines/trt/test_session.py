import gc
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper

from engines.backends.tensorrt import TensorRt
from engines.backends.tensorrt_rtx import TensorRtRtx
from engines.contract import CaptureError, Engine, EngineError, LayerTime, resolve_options
from harness.timing import make_loop

BACKENDS = {"tensorrt": TensorRt, "tensorrt-rtx": TensorRtRtx}


@pytest.fixture(params=["tensorrt", "tensorrt-rtx"])
def backend(request, standing_in):
    """A backend over its stand-in, on a machine that both have a target for."""
    standing_in(sm="sm89")
    return BACKENDS[request.param]()


@pytest.fixture
def site(site):
    return replace(site, device=replace(site.device, sm="sm89"))


@pytest.fixture
def opened(backend, add, case, site, rows, tmp_path):
    """Return a function that builds and opens the adding model with these options."""

    def open_(**options):
        asked = case(backend.name, **options)
        engine = backend.build(add, asked, tmp_path / "plan", site)
        return backend.open(engine, asked, {"x": rows}, site)

    return open_


def refusal(call):
    with pytest.raises(EngineError) as error:
        call()
    return error.value.kind, error.value.message, error.value.hint


def timed(session, queries):
    """Return the timings of a block on the machine's virtual clock."""
    from simulated.machine import machine

    session.host_clock = machine().clock.now_ns
    return make_loop(session)(queries)()


def enter(manager):
    with manager:
        pass


def test_a_query_computes_what_the_model_says(opened, rows):
    with opened() as session:
        session.enqueue[0]()
        session.fence[0]()
        session.wait[0]()
        assert np.array_equal(session.outputs()["y"], rows + 1)


def test_what_was_not_waited_for_is_not_there_yet(opened, rows):
    with opened() as session:
        session.enqueue[0]()
        session.fence[0]()
        session.wait[0]()
        stale = session.outputs()["y"]
        stale[...] = -1
        assert np.array_equal(session.outputs()["y"], rows + 1)


def test_bound_queries_are_timed_from_before_they_are_enqueued(opened, standing_in):
    standing_in(sm="sm89", compute_ns=400_000, enqueue_ns=7_000)
    with opened() as session:
        assert (session.copy_in, session.copy_out, session.flush) == ((), (), ())
        timings = timed(session, 3)
    assert timings.gpu_compute_ns.tolist() == [407_000] * 3
    assert timings.enqueue_ns.tolist() == [7_000] * 3
    assert timings.h2d_ns is None
    assert timings.d2h_ns is None


def test_copied_queries_have_their_copies_timed_on_the_same_stream(opened, standing_in, rows):
    standing_in(sm="sm89", compute_ns=400_000, copy_ns=30_000)
    with opened(transfers="copied", queue_depth=2) as session:
        assert len(session.copy_in) == len(session.copy_out) == len(session.enqueue) == 2
        timings = timed(session, 4)
        assert np.array_equal(session.outputs()["y"], rows + 1)
    assert timings.h2d_ns.tolist() == [30_000] * 4
    assert timings.gpu_compute_ns.tolist() == [400_000] * 4
    assert timings.d2h_ns.tolist() == [30_000] * 4


def test_two_streams_work_side_by_side(opened, standing_in):
    standing_in(sm="sm89", compute_ns=1_000_000, enqueue_ns=1_000)
    with opened(streams=2) as session:
        timings = timed(session, 8)
    assert 3_900_000 < timings.elapsed_ns < 4_100_000


def test_slots_of_a_stream_share_its_context_and_buffers(opened, standing_in):
    machine = standing_in(sm="sm89")
    with opened(streams=2, queue_depth=3) as session:
        assert len(session.enqueue) == 6
        assert machine.devices[0].memory.allocations == 2 * 3
        assert session.facts().device_memory_bytes == 2 * (1 << 20) + 4 * 32


def test_everything_on_the_device_is_released(opened, standing_in):
    machine = standing_in(sm="sm89")
    with opened(streams=2, transfers="copied") as session:
        session.enqueue[0]()
    del session
    gc.collect()
    assert machine.devices[0].memory.allocations == 0


def test_a_captured_query_costs_the_host_a_launch(opened, standing_in, rows):
    standing_in(sm="sm89", enqueue_ns=50_000, launch_ns=2_000)
    with opened(queue_depth=2) as session:
        before = timed(session, 4).enqueue_ns.tolist()
        session.capture()
        after = timed(session, 4).enqueue_ns.tolist()
        assert np.array_equal(session.outputs()["y"], rows + 1)
    assert before == [50_000] * 4
    assert after == [2_000] * 4


def test_a_session_that_just_opened_is_captured(opened, rows):
    with opened(streams=2, cuda_graph=True) as session:
        session.capture()
        timed(session, 2)
        assert np.array_equal(session.outputs()["y"], rows + 1)


def test_a_query_that_never_ran_cannot_be_captured(opened):
    from engines.cuda.graph import capture

    with opened() as session:
        (binding,) = session._bindings
        with pytest.raises(CaptureError):
            capture(session._opened.context, binding.stream, session.enqueue[0])


def test_a_refused_capture_replaces_nothing(opened, standing_in):
    standing_in(sm="sm89", fail="capture")
    with opened() as session:
        enqueue = session.enqueue
        with pytest.raises(CaptureError):
            session.capture()
        assert session.enqueue is enqueue


def test_rtx_is_asked_whether_a_capture_would_hold_the_query(opened, backend, standing_in):
    if backend.name != "tensorrt-rtx":
        pytest.skip("TensorRT has no such question")
    standing_in(sm="sm89", fail="tensorrt-capturable")
    with opened() as session:
        assert refusal(session.capture) == (
            "build",
            "TensorRT-RTX cannot capture this plan: its kernels depend on the values of shapes",
            "Run the case with cuda_graph: false.",
        )


def test_a_query_that_the_runtime_refuses_is_a_failure(opened, standing_in):
    standing_in(sm="sm89", fail="tensorrt-execute")
    with opened() as session:
        assert refusal(session.enqueue[0]) == (
            "bad-output",
            "Cuda Runtime (invalid resource handle)",
            "",
        )


def test_a_context_without_room_is_out_of_memory(opened, standing_in):
    standing_in(sm="sm89", fail="tensorrt-memory")
    assert refusal(lambda: enter(opened())) == (
        "out-of-memory",
        "OutOfMemory (Requested size was 1048576 bytes.)",
        "Lower the batch, or another dimension of the case.",
    )


def test_shapes_that_contradict_each_other_are_told_in_the_runtime_s_words(opened, standing_in):
    standing_in(sm="sm89", fail="tensorrt-shapes")
    assert refusal(lambda: enter(opened())) == (
        "shape-out-of-profile",
        "Shape Error (reshape changes volume)",
        "Rebuild, or say with `dims` what the model really takes.",
    )


def test_a_session_without_kernels_to_keep_closes_all_the_same(opened, site, standing_in):
    standing_in(sm="sm89", fail="tensorrt-serialize")
    enter(opened())
    assert [path.name for path in site.scratch.glob("kernels-*")] == []


def test_a_broken_query_is_a_crash(opened, standing_in, backend):
    standing_in(sm="sm89", fail="compute")
    with opened() as session:
        session.enqueue[0]()
        session.fence[0]()
        with pytest.raises(Exception, match="illegal memory access") as raised:
            session.wait[0]()
    assert backend.explain(raised.value).kind == "crash"


def test_caches_are_flushed_before_a_query(opened, standing_in):
    machine = standing_in(sm="sm89", memset_ns=70_000)
    with opened(l2="flushed") as session:
        before = machine.clock.now_ns()
        for call in session.flush:
            call()
        assert machine.clock.now_ns() - before == 70_000


def test_the_facts_name_what_runs(opened, backend):
    with opened(streams=2) as session:
        facts = session.facts()
    assert facts.runtime == backend.flavour.module
    assert facts.runtime_version == {"tensorrt": "11.4.0.106"}.get(backend.name, "1.7.1.116")
    assert facts.device == "Simulated GPU"
    assert facts.options["streams"] == 2
    assert [(placed.provider, placed.nodes) for placed in facts.placement] == [
        (backend.flavour.name, 1)
    ]
    assert facts.effective_precision is None
    assert facts.notes == ()


def test_the_effective_precision_of_tf32_is_told(backend, add, case, site, rows, tmp_path):
    asked = case(backend.name, precision="tf32")
    engine = backend.build(add, asked, tmp_path / "plan", site)
    assert b'"tf32": true' in engine.path.read_bytes()
    with backend.open(engine, asked, {"x": rows}, site) as session:
        assert session.facts().effective_precision == "tf32"
        assert dict(session.facts().options) == resolve_options(backend, asked)


def test_a_profile_is_the_mean_of_queries_of_their_own(opened, standing_in):
    standing_in(sm="sm89", compute_ns=400_000)
    with opened() as session:
        assert session.profile() == (
            LayerTime(name="first", kind="layer", mean_ns=300_000.0),
            LayerTime(name="last", kind="layer", mean_ns=100_000.0),
        )


def test_a_plan_of_another_version_is_refused(add, case, site, rows, tmp_path, standing_in):
    standing_in(version="10.13", sm="sm89")
    engine = TensorRt().build(add, case(), tmp_path / "plan", site)
    standing_in(version="10.16", sm="sm89")
    assert refusal(lambda: enter(TensorRt().open(engine, case(), {"x": rows}, site))) == (
        "build",
        (
            "tensorrt 10.16.1.11 does not take the plan: API Usage Error (The engine plan file is "
            "not compatible with this version of TensorRT, expecting library version 10.16.1.11 "
            "got 10.13.3.9, please rebuild.)"
        ),
        "It is from another GPU, driver or version, or damaged: have it built again.",
    )


def test_a_plan_of_another_device_is_refused(opened, standing_in):
    manager = opened()
    standing_in(sm="sm120")
    kind, message, _ = refusal(lambda: enter(manager))
    assert kind == "build"
    assert "expecting compute sm120 got compute sm89" in message


@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_bytes_that_are_no_plan_are_refused(backend, case, site, rows, tmp_path, data):
    path = tmp_path / "plan"
    path.write_bytes(data)
    kind, message, hint = refusal(
        lambda: enter(backend.open(Engine(path=path), case(backend.name), {"x": rows}, site))
    )
    assert kind == "build"
    assert message.startswith("plan is empty, not a plan" if not data else backend.flavour.module)
    assert hint == "It is from another GPU, driver or version, or damaged: have it built again."


def test_a_batch_outside_the_profile_is_named(backend, add, case, site, tmp_path):
    engine = backend.build(add, case(backend.name), tmp_path / "plan", site)
    five = {"x": np.zeros((5, 4), np.float32)}
    kind, message, _ = refusal(
        lambda: enter(backend.open(engine, case(backend.name, batch=5), five, site))
    )
    assert kind == "shape-out-of-profile"
    assert message.startswith("input 'x': the plan does not take 5×4: ")
    assert "Set dimension [5,4] for tensor x does not satisfy any optimization" in message


def test_one_plan_serves_all_batches_of_its_profile(backend, add, case, site, tmp_path):
    told = {"min_batch": 1, "opt_batch": 4, "max_batch": 8}
    engine = backend.build(add, case(backend.name, **told), tmp_path / "plan", site)
    for batch in (1, 8):
        rows = np.zeros((batch, 4), np.float32)
        asked = case(backend.name, batch=batch, **told)
        with backend.open(engine, asked, {"x": rows}, site) as session:
            session.enqueue[0]()
            session.fence[0]()
            session.wait[0]()
            assert session.outputs()["y"].shape == (batch, 4)


def test_an_input_of_another_type_is_refused(backend, add, case, site, rows, tmp_path):
    engine = backend.build(add, case(backend.name), tmp_path / "plan", site)
    doubles = {"x": rows.astype(np.float64)}
    assert refusal(lambda: enter(backend.open(engine, case(backend.name), doubles, site))) == (
        "precision-mismatch",
        "input 'x': expected float32, as the plan has it, got float64",
        "Export the model with that type: the runtime has no other for it.",
    )


def test_an_input_that_is_not_given_is_named(backend, add, case, site, rows, tmp_path):
    engine = backend.build(add, case(backend.name), tmp_path / "plan", site)
    assert refusal(lambda: enter(backend.open(engine, case(backend.name), {"z": rows}, site))) == (
        "invalid-model",
        "engine: expected an array for input 'x', got ['z']",
        "Give the input's values under the model's `inputs`.",
    )


def test_an_output_whose_shape_only_the_data_tells_is_refused(
    backend, save, tensor, case, site, rows, tmp_path
):
    node = helper.make_node("NonZero", ["x"], ["y"], name="nonzero")
    model = save([node], [tensor("x", "batch", 4)], [tensor("y", 2, "n", kind=TensorProto.INT64)])
    engine = backend.build(model, case(backend.name), tmp_path / "plan", site)
    assert refusal(lambda: enter(backend.open(engine, case(backend.name), {"x": rows}, site))) == (
        "unsupported-op",
        (
            "output 'y': expected a shape that follows from the inputs' shapes, got [2, ?], which "
            "depends on their values"
        ),
        "Cut the model before that node, or use onnxruntime.",
    )


def test_compiled_kernels_are_kept_for_the_next_session(opened, backend, site, standing_in):
    if backend.name != "tensorrt-rtx":
        pytest.skip("TensorRT compiles nothing when a plan is opened")
    enter(opened())
    (kept,) = site.scratch.iterdir()
    assert kept.name.startswith("kernels-")
    assert kept.name.endswith("-sm89-580.65.06-1.7.1.116")
    assert kept.read_bytes() == b"1.7.1.116 kernels"
    with opened() as session:
        assert session.facts().notes == ()
    standing_in(sm="sm89", fail="tensorrt-kernels")
    with opened() as session:
        assert session.facts().notes == (
            "the kernels kept from an earlier session were refused, and compiled anew",
        )
