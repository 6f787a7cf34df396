"""What the contract promises, asked of every backend that is installed."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from engines import registry
from engines.contract import CaptureError, Device, EngineError, PreparedModel, Site, resolve_options
from suites.case import Case

np = pytest.importorskip("numpy")

SITE = Site(device=Device(kind="cpu"), scratch=Path("unused"))


@pytest.fixture(params=registry.names())
def backend(request):
    found = registry.get(request.param)
    reason = found.unavailable()
    if reason is not None:
        pytest.skip(reason)
    return found


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
        options=tuple(options.items()),
    )


INPUTS = {"x": np.arange(8, dtype=np.float32).reshape(2, 4)}


@pytest.fixture
def session(backend, model, tmp_path):
    case = case_of(backend)
    engine = backend.build(model, case, tmp_path / "engine", SITE)
    with backend.open(engine, case, INPUTS, SITE) as opened:
        yield opened


def run_once(session):
    for slot in range(len(session.enqueue)):
        for call in (*session.copy_in[slot : slot + 1], session.enqueue[slot]):
            call()
        for call in session.copy_out[slot : slot + 1]:
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
    rest = {option.name: option.default for option in backend.options[1:]}
    assert {name: value for name, value in resolved.items() if name != first.name} == rest


def test_the_key_of_an_engine_is_plain_and_the_same_each_time(backend):
    key = backend.engine_key(case_of(backend), SITE.device)
    assert key
    assert all(isinstance(fact, str | int | float | bool) for fact in key.values())
    assert registry.get(backend.name).engine_key(case_of(backend), SITE.device) == key


def test_a_build_writes_its_engine_where_it_was_told(backend, model, tmp_path):
    engine = backend.build(model, case_of(backend), tmp_path / "sub.engine", SITE)
    assert engine.path == tmp_path / "sub.engine"
    assert engine.path.stat().st_size > 0
    assert all(isinstance(fact, str | int | float | bool) for fact in engine.facts.values())


def test_every_slot_has_its_calls(session):
    slots = len(session.enqueue)
    assert slots >= 1
    assert len(session.copy_in) in (0, slots)
    assert len(session.copy_out) in (0, slots)
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


def test_a_host_session_refuses_to_capture_and_still_runs(backend, session):
    if backend.device != "cpu":
        pytest.skip(f"{backend.name} may capture")
    with pytest.raises(CaptureError):
        session.capture()
    run_once(session)
    assert np.array_equal(session.outputs()["y"], INPUTS["x"] + 1)


def test_an_unknown_exception_becomes_a_failure_with_a_hint(backend):
    failure = backend.explain(RuntimeError("something"))
    assert isinstance(failure, EngineError)
    assert failure.kind
    assert "something" in failure.message
