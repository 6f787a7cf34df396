"""What a worker does to its own process, seen from inside it."""

import gc
from functools import partial

import numpy as np
import pytest

from harness import blocks
from harness import worker as module
from harness.blocks import Usage
from harness.serve import plain_failure
from harness.worker import Worker
from suites.case import Case

CASE = Case(model="m", backend="fake", precision="fp32", batch=1).to_dict()
QUEUED = {"loop": "device-stamped", "queue_depth": 2}


@pytest.fixture
def opened(tmp_path, request):
    """A worker with an open session, of a case with these options; gc is put back as it was."""
    (tmp_path / "engine").write_text("fake plan of 0", encoding="utf-8")
    np.savez(tmp_path / "inputs.npz", input0=np.ones(4))
    header = {
        "case": {**CASE, "options": getattr(request, "param", {})},
        "engine": str(tmp_path / "engine"),
        "facts": {},
        "inputs": {"path": str(tmp_path / "inputs.npz"), "names": ["x"], "dtypes": ["float64"]},
        "site": {"device": {"kind": "fake"}, "scratch": str(tmp_path / "scratch")},
        "cuda_graph": False,
    }
    worker = Worker()
    worker.describe({"backend": "fake"})
    assert gc.isenabled()
    try:
        worker.open(header)
        yield worker
    finally:
        gc.enable()
        gc.unfreeze()


BLOCK = {"block_s": 0.001, "block_queries": 3, "total_s": 0.0}


@pytest.mark.usefixtures("opened")
def test_the_collector_is_frozen_and_off_once_a_session_is_open():
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_the_memory_is_the_peak_above_what_was_held_before_open(opened, monkeypatch):
    opened._rss_before_open = 1000
    monkeypatch.setattr(module, "peak_rss_bytes", lambda: 1700)
    assert opened.block(BLOCK).header["peak_rss_bytes"] == 700


def test_memory_that_the_kernel_does_not_tell_is_not_zero(opened, monkeypatch):
    monkeypatch.setattr(module, "peak_rss_bytes", lambda: None)
    assert opened.block(BLOCK).header["peak_rss_bytes"] is None


def test_a_block_tells_how_long_all_of_it_took_and_every_query_that_ran(opened):
    header = opened.block(BLOCK).header
    assert header["span_queries"] == sum(queries for queries, *_ in header["blocks"])
    assert header["span_ns"] > 0


@pytest.mark.parametrize(("is_simulated", "used"), [(True, [0, 0, 0]), (False, [10, 20, 30])])
def test_what_the_process_used_says_nothing_beside_a_simulated_clock(
    opened, monkeypatch, is_simulated, used
):
    readings = iter(
        [
            Usage(cpu_ns=0, voluntary_switches=0, involuntary_switches=0),
            Usage(cpu_ns=10, voluntary_switches=20, involuntary_switches=30),
        ]
    )
    monkeypatch.setattr(blocks, "usage", lambda: next(readings))
    if not is_simulated:
        opened._session.host_clock = None
    (block,) = opened.block(BLOCK).header["blocks"]
    assert block[2:] == used


@pytest.mark.parametrize("opened", [QUEUED], indirect=True)
def test_the_untimed_queries_of_a_queue_are_among_those_that_ran(opened):
    opened._query_ns = 1e6
    header = opened.block({**BLOCK, "total_s": 0.003}).header
    assert [queries for queries, *_ in header["blocks"]] == [4]
    assert header["span_queries"] == 2 + 4 + 2


WAYS = [{}, {**QUEUED, "transfers": "copied", "streams": 2}]


@pytest.mark.parametrize("opened", WAYS, indirect=True, ids=["blocking", "queued"])
def test_an_untimed_query_answers_what_its_message_brings(opened):
    before = opened._session._queries
    fed = opened.infer({"arrays": {"x": np.array([1.0, 2.0, 3.0, 4.5])}})
    assert fed.arrays["y"].tolist() == [10.5]
    assert opened.infer({}).arrays["y"].tolist() == [10.5]
    assert opened._session._queries == before + 2


@pytest.mark.parametrize("opened", [WAYS[1]], indirect=True)
def test_an_untimed_query_goes_through_every_call_of_slot_0_in_order(opened):
    session, called = opened._session, []
    for name in ("copy_in", "enqueue", "copy_out", "fence", "wait"):
        setattr(session, name, [partial(called.append, (name, slot)) for slot in range(2)])
    opened.infer({})
    assert called == [(n, 0) for n in ("copy_in", "enqueue", "copy_out", "fence", "wait")]


@pytest.mark.parametrize("backend", ["fake", "onnxruntime-cpu"])
@pytest.mark.parametrize("verb", ["build", "open"])
def test_a_file_that_is_gone_is_told_as_itself_by_every_backend(tmp_path, verb, backend):
    if backend == "onnxruntime-cpu":
        pytest.importorskip("onnxruntime")
    worker = Worker()
    worker.describe({"backend": backend})
    header = {
        "case": {**CASE, "backend": backend},
        "model": str(tmp_path / "gone"),
        "sha256": "0",
        "external_data": False,
        "engine": str(tmp_path / ("gone" if verb == "open" else "engine")),
        "facts": {},
        "site": {"device": {"kind": "cpu"}, "scratch": str(tmp_path / "scratch")},
    }
    with pytest.raises(FileNotFoundError) as error:
        worker.verbs[verb](header)
    told = plain_failure(error.value)
    assert (told.kind, told.message, told.hint) == (
        "disk",
        f"{tmp_path}/gone: no such file or directory",
        "It was there before: run again to have it made anew.",
    )


def test_a_verb_out_of_order_is_a_defect_and_says_so():
    with pytest.raises(RuntimeError, match=r"^worker: expected describe first$"):
        Worker().open({"case": CASE})


def test_a_failure_before_any_backend_is_the_environments():
    found = Worker().explain(KeyError("distributions"))
    assert (found.kind, found.message) == ("environment", "KeyError: 'distributions'")


def test_an_environment_is_asked_without_a_runtime():
    worker = Worker()
    found = worker.inventory({"backends": ["fake"], "distributions": []}).header
    assert (found["versions"].keys(), found["missing"]) == ({"numpy", "python"}, {})
    keys = worker.keys({"backend": "fake", "cases": [CASE], "device": {"kind": "fake"}}).header
    assert [key["latency_ns"] for key in keys["keys"]] == [1_000_000]
