import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engines.backends.onnxruntime_cuda import OnnxRuntimeCuda
from engines.contract import Device, EngineError, PreparedModel, Site
from engines.cuda import context as cuda_context
from suites.case import Case

pytest.importorskip("onnxruntime")

from engines.ort.device.lane import Lane

GPU = "GPU-00000000-5171-4a7e-8000-00000000c0de"
X = np.array([[-1, 2]], np.float32)


@pytest.fixture
def opened(simulated_ort, tmp_path):
    """Return what opens a session of a model with options."""
    del simulated_ort  # it is in place
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(made, tmp_path / "m.onnx")
    model = PreparedModel(path=tmp_path / "m.onnx", sha256="0" * 64)
    site = Site(device=Device(kind="cuda", uuid=GPU, sm="sm90"), scratch=tmp_path)

    def start(**options):
        backend = OnnxRuntimeCuda()
        case = Case(
            model="m",
            backend=backend.name,
            precision="fp32",
            batch=1,
            options=tuple(options.items()),
        )
        engine = backend.build(model, case, tmp_path / "engine", site)
        return backend.open(engine, case, {"x": X}, site)

    return start


WAITS = (
    "ONNX Runtime waits for the device in every query: enqueue time is the query's whole time, "
    "and neither a queue nor streams overlap"
)


@pytest.mark.parametrize("graph", [False, True])
def test_a_session_that_does_not_wait_for_the_device_says_nothing(opened, graph):
    with opened(cuda_graph=graph) as session:
        if graph:
            session.capture()
        assert session.facts().enqueue_waits is False
        assert session.facts().notes == ()


def test_a_replay_that_waits_for_the_device_is_told_from_an_enqueue(opened, simulated_ort):
    simulated_ort(fail="ort-replay")
    with opened(cuda_graph=True) as session:
        assert session.facts().enqueue_waits is False
        session.capture()
        assert session.facts().enqueue_waits is True
        assert session.facts().notes == (WAITS,)


def test_queries_that_wait_for_the_device_are_told_from_an_enqueue(opened, simulated_ort):
    simulated_ort(fail="ort-waits")
    with opened() as session:
        assert session.facts().enqueue_waits is True
        assert session.facts().notes == (WAITS,)


def test_where_memory_lacks_to_find_that_out_the_case_is_not_lost(opened, simulated_ort):
    simulated_ort(memory_bytes=300 << 20)
    with opened() as session:
        session.enqueue[0]()
        assert session.facts().enqueue_waits is False
        (note,) = session.facts().notes
        assert note == (
            "no memory was free to find out whether ONNX Runtime waits for the device in every "
            "query"
        )


def test_a_slow_enqueue_is_not_taken_for_one_that_waits(opened, simulated_ort):
    simulated_ort(enqueue_ns=5_000_000, compute_ns=1_000)
    with opened() as session:
        assert session.facts().enqueue_waits is False


def test_a_kernel_that_breaks_off_in_a_capture_is_a_crash(opened, simulated_ort):
    simulated_ort(fail="compute@3")  # the first query was the opening's
    with opened(cuda_graph=True) as session:
        before = list(session.enqueue)
        with pytest.raises(EngineError) as error:
            session.capture()
        assert session.enqueue == before
    assert error.value.kind == "crash"
    assert (
        error.value.message
        == "cuStreamSynchronize failed: an illegal memory access was encountered"
    )


def test_a_capture_for_which_memory_lacks_says_so(opened, monkeypatch):
    with opened(cuda_graph=True) as session:

        def refuse(_):
            raise RuntimeError("CUDA failure 2: out of memory ; GPU=0 ; expr=cudaGraphInstantiate(")

        monkeypatch.setattr(Lane, "captured", refuse)
        with pytest.raises(EngineError) as error:
            session.capture()
    assert error.value.kind == "out-of-memory"
    assert error.value.hint == "Lower the batch, or another dimension of the case."


@pytest.fixture(params=[False, True], ids=["streams", "without pycuda"])
def times(request, simulated_ort, tmp_path, monkeypatch):
    """Return what opens y = x · n, of which n is wanted in host memory; also without pycuda."""
    del simulated_ort  # it is in place
    if request.param:
        monkeypatch.setattr(cuda_context, "missing", lambda: "pycuda is not installed.")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    number = helper.make_tensor_value_info("n", TensorProto.INT64, [])
    nodes = [
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "f"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "g", [info[0], number], info[1:])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(made, tmp_path / "m.onnx")
    model = PreparedModel(path=tmp_path / "m.onnx", sha256="0" * 64)
    site = Site(device=Device(kind="cuda", uuid=GPU, sm="sm90"), scratch=tmp_path)

    def start(*, cuda_graph):
        backend = OnnxRuntimeCuda()
        options = (("cuda_graph", cuda_graph),)
        case = Case(model="m", backend=backend.name, precision="fp32", batch=1, options=options)
        engine = backend.build(model, case, tmp_path / "engine", site)
        return backend.open(engine, case, {"x": X, "n": np.array(2)}, site)

    return start


def answer(session):
    for calls in (session.enqueue, session.fence, session.wait or ()):
        for call in calls:
            call()
    return session.outputs()["y"].tolist()


def test_without_a_graph_a_value_that_the_host_reads_is_fed_as_any(times):
    with times(cuda_graph=False) as session:
        session.feed({"x": X, "n": np.array(5)})
        assert answer(session) == [[-5, 10]]


def test_a_captured_graph_is_not_fed_other_values_of_what_the_host_read(times):
    with times(cuda_graph=True) as session:
        session.capture()
        session.feed({"x": -X, "n": np.array(2)})
        assert answer(session) == [[2, -4]]
        with pytest.raises(EngineError) as error:
            session.feed({"x": X, "n": np.array(5)})
        assert answer(session) == [[2, -4]]
    assert (error.value.kind, error.value.message, error.value.hint) == (
        "shape-out-of-profile",
        (
            "feed: input 'n': expected the values that the session was opened with and read on "
            "the host, 2, got 5"
        ),
        "Open another session for them.",
    )
