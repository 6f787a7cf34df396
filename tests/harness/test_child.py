import os
import select
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from harness.child import Child, ChildError, _cause, _inherited, child_pool, kill_all
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
    (tmp_path / "model.onnx").touch()
    return child.ask(
        "build",
        timeout_s=timeout_s,
        case=case.to_dict(),
        model=str(tmp_path / "model.onnx"),
        sha256="abc",
        external_data=False,
        engine=str(tmp_path / "engine"),
        site={"device": {"kind": "fake"}, "scratch": str(tmp_path / "scratch")},
    )


def warm(child, case, tmp_path, timeout_s=60):
    build(child, case, tmp_path)
    inputs = tmp_path / "inputs.npz"
    np.savez(inputs, input0=np.ones(4))
    child.ask(
        "open",
        timeout_s=60,
        case=case.to_dict(),
        engine=str(tmp_path / "engine"),
        facts={},
        inputs={"path": str(inputs), "names": ["x"], "dtypes": ["float64"]},
        site={"device": {"kind": "fake"}, "scratch": str(tmp_path / "scratch")},
        cuda_graph=False,
    )
    rule = {"seconds": 0.3, "queries": 10, "cap_s": 5.0, "block_s": 0.05}
    return child.ask("warm", timeout_s=timeout_s, rule=rule)


def failure(error):
    return error.value.kind, error.value.message, error.value.hint


def test_a_child_answers_from_a_process_of_its_own(start):
    with start() as child:
        reply = child.ask("describe", timeout_s=60, backend="fake")
        assert reply.header["pid"] != os.getpid()
        assert child.age_ns() > 0
        child.ask("close", timeout_s=60)


def test_a_failure_that_the_backend_names_is_raised_as_it_is(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        build(child, fake(failure="build"), tmp_path)
    assert failure(error) == ("build", "fake: the builder gave up", "Ask the builder why.")


def test_a_signal_is_named_with_the_verb(start, tmp_path):
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="crash"), tmp_path)
    assert failure(error)[:2] == ("crash", "SIGSEGV in 'warm'")


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
    log.write_text("libfoo: what another child said\n", encoding="utf-8")
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="crash"), tmp_path)
    assert failure(error)[2] == "The runtime's last words: fake: illegal memory access"
    with start() as child, pytest.raises(ChildError) as error:
        warm(child, fake(failure="exit"), tmp_path)
    assert failure(error)[2] == "The runtime said nothing."


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


def test_arrays_travel_with_a_verb_and_a_misfit_among_them_is_named(start, tmp_path):
    with start() as child:
        warm(child, fake(), tmp_path)
        fed = child.ask("infer", timeout_s=60, arrays={"x": np.array([1.0, 2.0, 3.0, 0.5])})
        assert fed.arrays["y"].tolist() == [6.5]
        assert child.ask("infer", timeout_s=60).arrays["y"].tolist() == [6.5]
        with pytest.raises(ChildError) as error:
            child.ask("infer", timeout_s=60, arrays={"x": np.ones(3)})
    assert failure(error) == (
        "invalid-model",
        "feed: input 'x': expected float64 of shape [4], got float64 of shape [3]",
        "Feed what the session was opened with, or open another session for it.",
    )


def test_killing_all_is_quiet_when_none_is_alive():
    kill_all()


def test_a_real_time_signal_has_its_number():
    assert _cause(-40) == "signal 40"
    assert _cause(-11) == "SIGSEGV"
    assert _cause(3) == "exit status 3"


def _ends(pid, *, within_s):
    """Return whether the process, which need not be there any more, ends in time."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


def test_what_a_dead_child_started_is_killed_with_it(tmp_path):
    (tmp_path / "forker.py").write_text(FORKER, encoding="utf-8")
    told = tmp_path / "pid"
    with (
        Child("forker", path=tmp_path, log=tmp_path / "log") as child,
        pytest.raises(ChildError) as error,
    ):
        child.ask("anything", timeout_s=60, told=str(told))
    assert failure(error)[:2] == ("crash", "SIGSEGV in 'anything'")
    grandchild = int(told.read_text(encoding="ascii"))
    assert _ends(grandchild, within_s=60)


def test_variables_are_added_to_what_a_child_inherits(tmp_path, monkeypatch):
    (tmp_path / "teller.py").write_text(TELLER, encoding="utf-8")
    monkeypatch.setenv("INHERITED", "yes")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    seen = {"CUDA_VISIBLE_DEVICES": "GPU-5f3c"}
    with Child("teller", path=tmp_path, log=tmp_path / "log", variables=seen) as child:
        told = child.ask("anything", timeout_s=60).header
    assert told == {"INHERITED": "yes", "CUDA_VISIBLE_DEVICES": "GPU-5f3c"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_python_that_is_not_there_is_told_and_leaks_nothing(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ChildError) as error:
        Child("harness.worker", log=tmp_path / "log", python="/nowhere/python")
    assert failure(error)[:2] == (
        "environment",
        "/nowhere/python: [Errno 2] No such file or directory: '/nowhere/python'",
    )
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_worker_dies_with_its_parent_even_in_a_query_that_hangs(tmp_path):
    closure = copy_closure(tmp_path)
    script = HANGING.format(folder=str(tmp_path), closure=str(closure))
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with parent:
        worker = int(parent.stdout.readline())
        pidfd = os.pidfd_open(worker)
        parent.kill()
        assert select.select([pidfd], [], [], 60)[0]
        os.close(pidfd)


FORKER = """
import os, signal
from harness.wire import receive
def main(read_fd, write_fd):
    message = receive(read_fd)
    grandchild = os.fork()
    if grandchild == 0:
        signal.pause()
    with open(message.header["told"], "w") as told:
        told.write(str(grandchild))
    os.kill(os.getpid(), signal.SIGSEGV)
"""
TELLER = """
import os
from harness.wire import Message, receive, send
def main(read_fd, write_fd):
    receive(read_fd)
    names = ("INHERITED", "CUDA_VISIBLE_DEVICES")
    send(write_fd, Message(header={name: os.environ.get(name) for name in names}))
"""
HANGING = """
import threading
from pathlib import Path
import numpy as np
from harness.child import Child
from suites.case import Case
folder = Path({folder!r})
case = Case(
    model="m", backend="fake", precision="fp32", batch=1, options=(("failure", "hang"),)
).to_dict()
(folder / "engine").write_text("fake plan of 0")
np.savez(folder / "inputs.npz", input0=np.ones(4))
inputs = {{"path": str(folder / "inputs.npz"), "names": ["x"], "dtypes": ["float64"]}}
child = Child("harness.worker", path=Path({closure!r}), log=folder / "log")
reply = child.ask("describe", timeout_s=60, backend="fake")
child.ask(
    "open", timeout_s=60, case=case, engine=str(folder / "engine"), facts={{}}, inputs=inputs,
    site={{"device": {{"kind": "fake"}}, "scratch": str(folder / "scratch")}}, cuda_graph=False,
)
print(reply.header["pid"], flush=True)
rule = {{"seconds": 0.3, "queries": 10, "cap_s": 5.0, "block_s": 0.05}}
child.ask("warm", timeout_s=600, rule=rule)
"""


def test_only_this_interpreter_inherits_where_its_modules_are(monkeypatch):
    named = ("PYTHONPATH", "PYTHONHOME", "PYTHONPLATLIBDIR", "VIRTUAL_ENV")
    for name in (*named, "PYTHONHASHSEED"):
        monkeypatch.setenv(name, "0")
    assert {*named, "PYTHONHASHSEED"} <= _inherited(sys.executable).keys()
    other = _inherited("/elsewhere/bin/python")
    assert other["PYTHONHASHSEED"] == "0"
    assert other.keys().isdisjoint(named)


def test_this_interpreter_is_known_by_its_other_names_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/here")
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
        for name in ("python", "python3"):
            (tmp_path / folder / name).symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "ours" / "python"))

    assert _inherited(str(tmp_path / "ours" / "python3"))["PYTHONPATH"] == "/here"
    assert "PYTHONPATH" not in _inherited(str(tmp_path / "theirs" / "python"))
