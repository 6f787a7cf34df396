import os
import re
import tempfile
from pathlib import Path

import pytest

from engines.backends.onnxruntime_cpu import OnnxRuntimeCpu
from engines.contract import Device
from engines.lock import Lock, holder
from harness import device_lock as module
from harness.device_lock import DeviceBusyError, devices, hold
from harness.plan import Plan, PlannedCase
from results.record import Skipped
from suites.case import Case

WAIT = " Wait for it with --wait, or end it."


def taking(names, *, wait=False, waiting=lambda _: None):
    return hold(names, what="suite 'a' into /s", wait=wait, waiting=waiting)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNO_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "locks"


def test_a_device_is_held_for_one_run_at_a_time_and_the_other_is_told_by_whom():
    with taking(["cpu"]), pytest.raises(DeviceBusyError) as caught, taking(["cpu"]):
        pass
    assert re.fullmatch(
        rf"cpu: expected to measure alone, got suite 'a' into /s, pid {os.getpid()}, "
        rf"since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{{4}}\.{WAIT}",
        str(caught.value),
    )


def test_another_device_may_be_measured_meanwhile(folder):
    with taking(["cpu"]), taking(["GPU-1"]):
        assert "suite 'a'" in holder(folder / "GPU-1.lock")
    assert holder(folder / "cpu.lock") == ""


def test_a_run_that_cannot_have_all_its_devices_keeps_none(folder):
    with taking(["b"]):
        with pytest.raises(DeviceBusyError), taking(["a", "b"]):
            pass
        with taking(["a"]):
            assert "suite 'a'" in holder(folder / "a.lock")


def test_a_run_that_waits_says_for_whom(folder):
    folder.mkdir()
    other = Lock.take(folder / "cpu.lock", holder="suite 'b', pid 7")
    told = []

    def waiting(reason):
        told.append(reason)
        other.release()

    with taking(["cpu"], wait=True, waiting=waiting):
        assert told == ["cpu: waiting for suite 'b', pid 7"]


def test_every_user_may_lock_in_the_folder(folder):
    with taking(["cpu"]):
        assert folder.stat().st_mode & 0o7777 == 0o1777


def test_a_folder_that_cannot_be_had_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DYNO_LOCKS", str(tmp_path / "file"))
    with pytest.raises(DeviceBusyError) as caught, taking(["cpu"]):
        pass
    assert str(caught.value) == (
        f"{tmp_path}/file/cpu.lock: expected a lock for cpu, got: file exists. "
        "Name another folder with DYNO_LOCKS, the same for everybody who measures here."
    )


def test_the_folder_does_not_move_with_the_temporary_one(monkeypatch, tmp_path):
    monkeypatch.delenv("DYNO_LOCKS")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)

    assert module._folder() == Path("/tmp/dyno-locks")


def test_only_real_devices_are_locked():
    def planned(backend, outcome=None):
        case = Case(model="m", backend=backend, precision="fp32", batch=1)
        return PlannedCase(position=0, case=case, options={}, outcome=outcome)

    def locked(*cases):
        kinds = {"cpu": Device(kind="cpu"), "fake": Device(kind="fake")}
        return devices(Plan(suite=None, models={}, devices=kinds, cases=cases, estimate_s=0.0))

    assert locked(planned("fake")) == ()
    assert locked(planned("fake"), planned("onnxruntime-cpu")) == ("cpu",)
    assert locked(planned("onnxruntime-cpu", Skipped(reason="not here"))) == ()


@pytest.mark.parametrize(
    ("uuid", "on_device", "measuring", "building"),
    [
        ("GPU-5f3c", True, ("GPU-5f3c",), ("GPU-5f3c",)),
        ("GPU-5f3c", False, ("GPU-5f3c",), ()),
        ("", True, ("cuda",), ("cuda",)),
    ],
)
def test_a_cuda_device_is_locked_by_its_uuid_for_builds_only_where_they_run_on_it(
    monkeypatch, uuid, on_device, measuring, building
):
    monkeypatch.setattr(OnnxRuntimeCpu, "device", "cuda")
    monkeypatch.setattr(OnnxRuntimeCpu, "builds_on_device", on_device)
    case = Case(model="m", backend="onnxruntime-cpu", precision="fp32", batch=1)
    planned = PlannedCase(position=0, case=case, options={}, outcome=None)
    kinds = {"cuda": Device(kind="cuda", uuid=uuid)}
    plan = Plan(suite=None, models={}, devices=kinds, cases=(planned,), estimate_s=0.0)

    assert devices(plan) == measuring
    assert devices(plan, building=True) == building


def test_a_folder_that_was_there_keeps_its_permissions(folder):
    folder.mkdir(mode=0o700)
    with taking(["cpu"]):
        assert folder.stat().st_mode & 0o7777 == 0o700


def test_what_another_user_wrote_into_a_lock_cannot_reach_the_terminal(folder):
    folder.mkdir()
    lock = Lock.take(folder / "cpu.lock", holder="\x1b[31mme\nand more")
    with pytest.raises(DeviceBusyError, match=r"got \\x1b\[31mme and more\. Wait"), taking(["cpu"]):
        pass
    lock.release()
