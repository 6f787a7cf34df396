import signal
import threading

import pytest

from harness.child import Child, ChildError, child_pool, kill_all
from harness.closure import copy_closure
from suites.case import Case


def fake(**options):
    return Case(
        model="m", backend="fake", precision="fp32", batch=1, options=tuple(options.items())
    )


@pytest.fixture
def start(tmp_path):
    closure = copy_closure(tmp_path)
    return lambda: Child("harness.worker", path=closure, log=tmp_path / "logs" / "child.log")


def build(child, case, tmp_path, timeout_s=60):
    child.ask("describe", timeout_s=60, backend="fake")
    return child.ask(
        "build",
        timeout_s=timeout_s,
        case=case.to_dict(),
        model=str(tmp_path / "model.onnx"),
        sha256="abc",
        external_data=False,
        engine=str(tmp_path / "engine"),
    )


def warm(child, case, tmp_path, timeout_s=60):
    build(child, case, tmp_path)
    inputs = tmp_path / "inputs.npz"
    import numpy as np

    np.savez(inputs, input0=np.ones(4))
    child.ask(
        "open",
        timeout_s=60,
        case=case.to_dict(),
        engine=str(tmp_path / "engine"),
        facts={},
        inputs={"path": str(inputs), "names": ["x"], "dtypes": ["float64"]},
        cuda_graph=False,
    )
    rule = {"seconds": 0.3, "queries": 10, "cap_s": 5.0, "block_s": 0.05, "block_queries": 3}
    return child.ask("warm", timeout_s=timeout_s, rule=rule)


def failure(error):
    return error.value.kind, error.value.message, error.value.hint


def test_a_child_answers_from_a_process_of_its_own(start):
    with start() as child:
        reply = child.ask("describe", timeout_s=60, backend="fake")
        assert reply.header["unavailable"] is None
        assert child.age_ns() > 0
        child.ask("close", timeout_s=60)


def test_a_failure_that_the_backend_names_is_raised_as_it_is(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        build(child, fake(failure="build"), tmp_path)
    assert failure(error) == ("build", "fake: the builder gave up", "Ask the builder why.")


def test_a_signal_is_named_with_the_verb(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="crash"), tmp_path)
    assert failure(error) == ("crash", "SIGSEGV in 'warm'", "The runtime said nothing.")


def test_an_abort_in_a_build_is_named(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        build(child, fake(failure="build-crash"), tmp_path)
    assert failure(error)[:2] == ("crash", "SIGABRT in 'build'")


def test_an_exit_is_named_with_its_status(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="exit"), tmp_path)
    assert failure(error)[:2] == ("crash", "exit status 7 in 'warm'")


def test_a_kill_from_outside_points_at_the_memory(start):
    with start() as child:
        child.ask("describe", timeout_s=60, backend="fake")
        child.kill()
        with pytest.raises(ChildError) as error:
            child.ask("describe", timeout_s=60, backend="fake")
    assert failure(error) == (
        "crash",
        "SIGKILL in 'describe'",
        "The kernel kills so when memory is out. The runtime said nothing.",
    )


def test_a_hang_is_killed_and_told(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="hang"), tmp_path, timeout_s=0.2)
    assert failure(error) == (
        "timeout",
        "no answer to 'warm' within 0.2 s",
        "Raise measure.timeout_s if the model is that slow.",
    )


def test_the_last_words_of_a_child_are_in_the_hint(start, tmp_path):
    log = tmp_path / "logs" / "child.log"
    log.parent.mkdir()
    log.write_text("libfoo: bad thing\n\n", encoding="utf-8")
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="crash"), tmp_path)
    assert failure(error)[2] == "The runtime's last words: libfoo: bad thing"


def test_memory_that_is_out_is_out_of_memory(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="memory"), tmp_path)
    assert failure(error) == (
        "out-of-memory",
        "fake: 1099511627776 bytes were asked for",
        "Lower the batch.",
    )


def test_an_unknown_exception_is_explained_by_the_backend_and_logged(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="query"), tmp_path)
    assert failure(error)[0] == "bad-output"
    log = (tmp_path / "logs" / "child.log").read_text(encoding="utf-8")
    assert "RuntimeError: fake: the device reported an error 700 in a query" in log


def test_leaving_by_an_exception_kills_at_once(start):
    with pytest.raises(KeyboardInterrupt), start() as child:
        child.ask("describe", timeout_s=60, backend="fake")
        raise KeyboardInterrupt
    assert child._process.returncode == -signal.SIGKILL


def test_a_pool_left_by_an_exception_kills_the_children_it_waits_for(start, tmp_path):
    waiting = threading.Event()

    def hang():
        with start() as child:
            build(child, fake(failure="hang"), tmp_path)
            waiting.set()
            warm(child, fake(failure="hang"), tmp_path)

    with pytest.raises(KeyboardInterrupt), child_pool() as pool:
        future = pool.submit(hang)
        assert waiting.wait(60)
        raise KeyboardInterrupt
    assert isinstance(future.exception(), ChildError)


def test_killing_all_is_quiet_when_none_is_alive():
    kill_all()
