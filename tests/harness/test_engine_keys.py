import shutil
import sys
from dataclasses import replace

import pytest

from engines import registry
from engines.cache.cache import EngineCache
from engines.contract import Device
from harness.build import Builder
from harness.closure import copy_closure
from harness.engine_keys import Asker
from harness.folders import Folders
from harness.plan import PlannedCase
from harness.prepare.models import Prepared
from results.record import Failed
from suites.case import Case

CPU = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=1)
FAKE = Case(model="m", backend="fake", precision="fp32", batch=1)
DEVICES = {"cpu": Device(kind="cpu"), "fake": Device(kind="fake")}
FALSE = shutil.which("false")


@pytest.fixture
def asker(tmp_path):
    def make(python):
        return Asker(
            python=python,
            closure=copy_closure(tmp_path),
            folders=Folders(store=tmp_path, run_id="r"),
            devices=DEVICES,
            timeout_s=60.0,
        )

    return make


@pytest.fixture
def elsewhere(tmp_path):
    """An interpreter of another path that has this environment's modules, and tells who asks."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho asked >> {tmp_path}/asked\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return str(python)


def test_keys_are_asked_once_a_backend_and_come_in_the_order_of_the_cases(
    asker, elsewhere, tmp_path
):
    cases = [FAKE, CPU, replace(FAKE, options=(("latency_ns", 7),))]
    here, there = asker(sys.executable).keys(cases), asker(elsewhere).keys(cases)
    assert here == there
    assert [key.get("latency_ns") for key in there] == [1_000_000, None, 7]
    assert (tmp_path / "asked").read_text() == "asked\n" * 2


def test_here_no_process_is_asked(asker, monkeypatch):
    monkeypatch.setattr("harness.engine_keys.Child", None)
    key = registry.get("onnxruntime-cpu").engine_key(CPU, DEVICES["cpu"])
    assert asker(sys.executable).keys([CPU]) == [key]


def test_a_backend_that_cannot_be_asked_fails_its_cases(asker):
    failure = Failed(
        kind="crash", message="exit status 1 in 'keys'", hint="The runtime said nothing."
    )
    assert asker(FALSE).keys([FAKE, CPU]) == [failure, failure]


@pytest.fixture
def builder(tmp_path):
    cache = EngineCache.make(tmp_path / "cache")
    with cache.in_use():
        yield lambda python: Builder(
            cache=cache,
            closure=copy_closure(tmp_path),
            folders=Folders(store=tmp_path, run_id="r"),
            devices=DEVICES,
            timeout_s=60.0,
            python=python,
        )


@pytest.fixture
def waiting(tmp_path):
    path = tmp_path / "m.onnx"
    path.touch()
    prepared = Prepared(path=path, sha256="0", external_data=False, precision="fp32")
    return PlannedCase(position=0, case=FAKE, options={}, outcome=None), prepared


def test_an_engine_is_built_where_its_key_was_asked(builder, elsewhere, waiting, tmp_path):
    ((_, _, built),) = builder(elsewhere).build_all([waiting])
    assert not built.cached
    assert (tmp_path / "asked").read_text() == "asked\n" * 2
    ((_, _, again),) = builder(sys.executable).build_all([waiting])
    assert (again.cached, again.key) == (True, built.key)


def test_a_case_without_a_key_is_not_built(builder, waiting):
    failure = Failed(
        kind="crash", message="exit status 1 in 'keys'", hint="The runtime said nothing."
    )
    assert list(builder(FALSE).build_all([waiting])) == [(*waiting, failure)]
    assert builder(FALSE).rebuild(*waiting) == failure
