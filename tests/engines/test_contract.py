"""What the contract promises, asked of every backend: of those for NVIDIA over the stand-ins.

Only a backend whose runtime is not installed is skipped. What each says where it cannot run is
asked in its own tests.
"""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from engines import registry
from engines.contract import (
    CaptureError,
    Device,
    EngineError,
    Mark,
    PreparedModel,
    Site,
    resolve_options,
)
from suites.case import Case

np = pytest.importorskip("numpy")

UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"
SIMULATED = Device(kind="cuda", name="Simulated GPU", uuid=UUID, sm="sm89", driver="580.65.06")
NAMES = registry.names()
REAL = [name for name in NAMES if not registry.get(name).simulated]
CAPTURING = [
    name for name in REAL if "cuda_graph" in (each.name for each in registry.get(name).options)
]
PLUGIN = Path(__file__)
"""Any file: the stand-in registers it as a plugin's library."""
REQUIRED = {"onnxruntime-plugin": {"provider": "Plug", "library": str(PLUGIN)}}
"""Options that have no default which works."""


@pytest.fixture
def machine(request):
    """Put the stand-ins in place; returns the function that starts the simulated machine anew."""
    request.getfixturevalue("simulated_ort")
    standing_in = request.getfixturevalue("standing_in")

    def start(**script):
        return standing_in(sm=SIMULATED.sm, **script)

    start()
    return start


@pytest.fixture(params=NAMES)
def backend(request):
    return ready(request, request.param)


@pytest.fixture(params=CAPTURING)
def capturing(request):
    return ready(request, request.param)


@pytest.fixture(params=sorted({*REAL} - {*CAPTURING}))
def uncapturing(request):
    return ready(request, request.param)


def ready(request, name):
    """Return the backend, its runtime there or stood in for."""
    found = registry.get(name)
    if found.device == "cuda":
        request.getfixturevalue("machine")
    elif reason := found.unavailable():
        pytest.skip(reason)
    return found


@pytest.fixture
def site(tmp_path):
    """Return the function that tells where a backend works."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def of(backend):
        cuda = backend.device == "cuda"
        return Site(device=SIMULATED if cuda else Device(kind=backend.device), scratch=scratch)

    return of


@pytest.fixture
def model(tmp_path):
    """A model that adds 1 to its only input."""
    shape = ["batch", 4]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["y"], name="add")],
        "add",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    path = tmp_path / "model.onnx"
    onnx.save(made, path)
    return PreparedModel(path=path, sha256="0" * 64)


def case_of(backend, **options):
    return Case(
        model="m",
        backend=backend.name,
        precision="fp32",
        batch=2,
        options=tuple({**REQUIRED.get(backend.name, {}), **options}.items()),
    )


INPUTS = {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}


@pytest.fixture
def opened(model, site, tmp_path):
    """Return the function that opens a session of a backend with options."""

    def start(backend, inputs=INPUTS, **options):
        case = case_of(backend, **options)
        engine = backend.build(model, case, tmp_path / "engine", site(backend))
        return backend.open(engine, case, inputs, site(backend))

    return start


@pytest.fixture
def session(backend, opened):
    with opened(backend) as found:
        yield found


def run_once(session):
    """Run a query in each slot, as harness/timing.py does."""
    each = (session.copy_in, session.enqueue, session.copy_out, session.fence)
    for slot in range(len(session.enqueue)):
        for calls in each:
            for call in calls[slot : slot + 1]:
                call()
        if session.wait is not None:
            session.wait[slot]()


def test_it_says_what_it_is(backend):
    assert backend.name in registry.names()
    assert isinstance(backend.simulated, bool)
    assert isinstance(backend.builds_on_device, bool)
    assert backend.device
    assert backend.distribution


def test_each_option_has_a_legal_default_and_says_what_it_does(backend):
    for option in backend.options:
        assert option.help
        assert not option.choices or option.default in option.choices
        assert option.minimum is None or option.default >= option.minimum


def test_options_resolve_to_the_cases_values_over_the_defaults(backend):
    first = backend.options[0]
    resolved = resolve_options(backend, case_of(backend, **{first.name: "given"}))
    assert resolved[first.name] == "given"
    defaults = {option.name: option.default for option in backend.options}
    assert resolved == {**defaults, **REQUIRED.get(backend.name, {}), first.name: "given"}


def test_the_key_of_an_engine_is_plain_and_the_same_each_time(backend, site):
    device = site(backend).device
    key = backend.engine_key(case_of(backend), device)
    assert key
    assert all(isinstance(fact, str | int | float | bool) for fact in key.values())
    assert registry.get(backend.name).engine_key(case_of(backend), device) == key


def test_a_build_writes_its_engine_where_it_was_told(backend, model, site, tmp_path):
    engine = backend.build(model, case_of(backend), tmp_path / "sub.engine", site(backend))
    assert engine.path == tmp_path / "sub.engine"
    assert engine.path.stat().st_size > 0
    assert all(isinstance(fact, str | int | float | bool) for fact in engine.facts.values())


def test_every_slot_has_its_calls(session):
    slots = len(session.enqueue)
    assert slots >= 1
    assert len(session.copy_in) in (0, slots)
    assert len(session.copy_out) in (0, slots)
    assert len(session.fence) in (0, slots)
    assert session.wait is None or len(session.wait) == slots


def test_the_outputs_are_those_of_the_inputs(backend, session):
    run_once(session)
    outputs = session.outputs()
    expected = {"y": np.array([28.0])} if backend.simulated else {"y": INPUTS["x"] + 1}
    assert list(outputs) == list(expected)
    assert np.array_equal(outputs["y"], expected["y"])


def test_the_outputs_are_copies(session):
    run_once(session)
    first = session.outputs()["y"].copy()
    session.outputs()["y"][...] = -1
    run_once(session)
    assert np.array_equal(session.outputs()["y"], first)


def test_other_values_are_answered_as_by_a_session_that_was_opened_with_them(backend, opened):
    fed = {"x": np.array([[5, -1, 0, 2], [7, 7, -8, 1]], np.float32)}
    with opened(backend) as session:
        run_once(session)
        session.feed(fed)
        run_once(session)
        found = session.outputs()
    with opened(backend, fed) as session:
        run_once(session)
        expected = session.outputs()
    assert found["y"].tobytes() == expected["y"].tobytes()


def test_neither_the_arrays_of_open_nor_those_fed_are_kept_or_changed(session):
    before = INPUTS["x"].copy()
    fed = {"x": np.full((2, 4), 3, np.float32)}
    session.feed(fed)
    fed["x"][...] = 100
    run_once(session)
    first = session.outputs()["y"].copy()
    session.feed(INPUTS)
    assert np.array_equal(INPUTS["x"], before)
    assert first.reshape(-1)[0] in (24.0, 4.0)


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({}, "feed: expected inputs ['x'], got []"),
        ({"z": INPUTS["x"]}, "feed: expected inputs ['x'], got ['z']"),
        (
            {"x": INPUTS["x"][:1]},
            "feed: input 'x': expected float32 of shape [2, 4], got float32 of shape [1, 4]",
        ),
        (
            {"x": INPUTS["x"].astype(np.float16)},
            "feed: input 'x': expected float32 of shape [2, 4], got float16 of shape [2, 4]",
        ),
    ],
)
def test_only_what_fits_the_bound_inputs_is_fed(session, inputs, found):
    with pytest.raises(EngineError) as error:
        session.feed(inputs)
    assert (error.value.kind, error.value.message) == ("invalid-model", found)
    assert error.value.hint


WAYS = ({"transfers": "copied", "queue_depth": 2}, {"streams": 2}, {"cuda_graph": True})


@pytest.mark.parametrize("way", WAYS, ids=lambda way: next(iter(way)))
def test_a_device_is_fed_in_whatever_way_it_is_driven(capturing, opened, way):
    fed = {"x": np.array([[5, -1, 0, 2], [7, 7, -8, 1]], np.float32)}
    with opened(capturing, **way) as session:
        if "cuda_graph" in way:
            session.capture()
        run_once(session)
        session.feed(fed)
        for calls in (session.copy_in, session.enqueue, session.copy_out, session.fence):
            for call in calls[:1]:
                call()
        session.wait[0]()
        assert np.array_equal(session.outputs()["y"], fed["x"] + 1)


def test_the_facts_name_what_really_runs(backend, session):
    run_once(session)
    facts = session.facts()
    assert facts.runtime
    assert facts.runtime_version
    assert facts.device
    assert dict(facts.options) == resolve_options(backend, case_of(backend))
    assert sum(placed.nodes for placed in facts.placement) >= 1


def test_only_a_simulation_brings_its_own_host_clock(backend, session):
    assert (session.host_clock is not None) == backend.simulated


def test_a_session_without_graphs_refuses_to_capture_and_still_runs(uncapturing, opened):
    with opened(uncapturing) as session:
        before = list(session.enqueue)
        with pytest.raises(CaptureError):
            session.capture()
        assert list(session.enqueue) == before
        run_once(session)
        assert np.array_equal(session.outputs()["y"], INPUTS["x"] + 1)


def test_a_captured_graph_replaces_every_enqueue_and_computes_the_same(capturing, opened):
    with opened(capturing, cuda_graph=True, streams=2) as session:
        before = list(session.enqueue)
        session.capture()
        assert len(session.enqueue) == len(before)
        assert not set(before) & set(session.enqueue)
        run_once(session)
        assert np.array_equal(session.outputs()["y"], INPUTS["x"] + 1)
        assert dict(session.facts().options)["cuda_graph"] is True


def test_a_capture_that_fails_replaces_nothing_and_the_session_still_runs(
    capturing, opened, machine
):
    machine(fail="capture,ort-capture")
    with opened(capturing, cuda_graph=True) as session:
        before = list(session.enqueue)
        with pytest.raises(CaptureError) as error:
            session.capture()
        assert error.value.hint
        assert list(session.enqueue) == before
        run_once(session)
        assert np.array_equal(session.outputs()["y"], INPUTS["x"] + 1)


def test_the_devices_clock_tells_the_time_between_two_marks_of_each_query(capturing, opened):
    with opened(capturing, transfers="copied", queue_depth=2) as session:
        slots = [0, 1, 0]
        before = session.clock.recorders(Mark.START, slots)
        after = session.clock.recorders(Mark.END, slots)
        assert len(before) == len(after) == 3
        for slot, start, end in zip(slots, before, after, strict=True):
            calls = (session.copy_in, session.enqueue, session.copy_out)
            for call in (start, *(each[slot] for each in calls), end, session.fence[slot]):
                call()
            session.wait[slot]()
        at_least = 200_000 + 2 * 10_000  # what the simulated device takes
        assert all(at_least <= ns for ns in session.clock.elapsed_ns(Mark.START, Mark.END))
        assert np.array_equal(session.outputs()["y"], INPUTS["x"] + 1)


def test_memory_that_is_not_there_is_out_of_memory_and_nothing_is_left_behind(
    capturing, opened, machine
):
    simulated = machine(fail="memory")
    with pytest.raises(EngineError) as error, opened(capturing):
        pass
    assert error.value.kind == "out-of-memory"
    assert error.value.hint
    assert simulated.devices[0].memory.allocations == 0


def test_a_session_leaves_nothing_on_the_device(capturing, opened, machine):
    simulated = machine()
    with opened(capturing, transfers="copied", streams=2) as session:
        run_once(session)
        assert simulated.devices[0].memory.allocations > 0
    del session
    assert simulated.devices[0].memory.allocations == 0


def test_an_unknown_exception_becomes_a_failure_with_a_hint(backend):
    failure = backend.explain(RuntimeError("something"))
    assert isinstance(failure, EngineError)
    assert failure.kind
    assert "something" in failure.message
