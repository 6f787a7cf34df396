import os
import sys
from contextlib import contextmanager

import pytest

from engines.cache.cache import EngineCache
from harness.alive import live_runs
from harness.device_lock import DeviceBusyError
from harness.paired import bench as module
from harness.paired.bench import bench
from harness.paired.observer import Silent
from harness.plan import make_plan
from harness.vocabulary import installed_vocabulary
from results.paired import CANDIDATE


@pytest.fixture
def plan(suite_of, matrix, tmp_path):
    """Return a function that plans a suite of a backend."""

    def planned(backend="fake"):
        suite = suite_of(matrix=matrix(backend=[backend]), seed=7)
        return make_plan(suite, installed_vocabulary(), store=tmp_path / "store", keep=True)

    return planned


@pytest.fixture
def at(tmp_path):
    """Return a function that makes the bench of a plan."""

    def made(plan, bench_id="20261121-030000-ab00"):
        return bench(
            plan,
            bench_id=bench_id,
            store=tmp_path / "store",
            cache=EngineCache.make(tmp_path / "cache"),
            wait=False,
            observer=Silent(),
        )

    return made


def test_what_goes_on_is_known_while_it_does(plan, at, tmp_path):
    with at(plan()) as made:
        assert live_runs(tmp_path / "store") == {"20261121-030000-ab00"}
        assert made.closure.parent.parent == made.folders.store == tmp_path / "store"
    assert live_runs(tmp_path / "store") == set()


def test_two_do_not_measure_on_one_device_at_once(plan, at, tmp_path):
    store = tmp_path / "store"
    with at(plan("onnxruntime-cpu")):
        with pytest.raises(DeviceBusyError) as raised, at(plan("onnxruntime-cpu"), "another"):
            pass
        with at(plan("fake"), "another"):
            assert live_runs(store) == {"20261121-030000-ab00", "another"}
    assert str(raised.value).startswith(
        "cpu: expected to measure alone, got pairs of suite 'simulated' into "
        f"{store}, pid {os.getpid()}, since "
    )


def test_a_stage_has_the_interpreter_of_its_side_and_what_all_share(plan, at):
    with at(plan()) as made:
        stage = made.stage(CANDIDATE, "/venv/bin/python")
        staging = made.staging(sys.executable)

    assert (stage.role, stage.workplace.python) == (CANDIDATE, "/venv/bin/python")
    assert stage.builder.python == "/venv/bin/python"
    assert stage.workplace.measure is made.plan.suite.measure
    assert stage.builder.cache is staging.cache is made.cache
    assert (staging.seed, staging.plan, staging.python) == (7, made.plan, sys.executable)


def test_the_devices_of_cases_to_be_tried_are_watched_by_both_sides(plan, at, monkeypatch):
    asked = []

    @contextmanager
    def watching(devices, *, idle):
        asked.append(([device.kind for device in devices], idle))
        yield {"fake": "watch"}

    monkeypatch.setattr(module, "watching", watching)

    with at(plan()) as made:
        stages = [made.stage(role, sys.executable) for role in ("baseline", CANDIDATE)]

    assert asked == [(["fake"], False)]
    assert [stage.workplace.watches for stage in stages] == [{"fake": "watch"}] * 2


def test_a_device_of_cases_that_are_skipped_is_neither_held_nor_watched(plan, at, monkeypatch):
    planned = plan("tensorrt")
    assert planned.runnable == ()
    monkeypatch.setattr(module, "watching", lambda devices, **_: _none(devices))

    with at(planned) as made:
        assert made.watches == {}


@contextmanager
def _none(devices):
    assert devices == []
    yield {}
