"""Whole runs whose simulated device says that it is a CUDA device."""

from dataclasses import replace

import pytest

from engines.backends.fake import Fake
from engines.contract import Device
from engines.cuda import driver
from harness import child
from harness.ahead import Workshop
from harness.build import Built
from harness.device_lock import DeviceBusyError, hold
from harness.resume import ResumeError
from harness.vocabulary import installed_vocabulary
from results.record import Failed, Measured, Skipped

H200 = Device(kind="cuda", name="NVIDIA H200", uuid="GPU-5f3c", sm="sm90", driver="580.95")
MEASURE = {"launches": 2, "launch_s": 0.05, "telemetry_s": 0}
BOUND_BYTES = 4 * (784 + 10)


@pytest.fixture(autouse=True)
def gpu(monkeypatch):
    """Have the H200; returns a function that puts another device in its place."""
    monkeypatch.setattr(Fake, "device", "cuda")
    monkeypatch.setattr(Fake, "simulated", False)
    monkeypatch.setattr(driver, "missing", lambda: None)

    def have(device):
        monkeypatch.setattr(driver, "find", lambda _: device)

    have(H200)
    return have


def test_the_run_says_which_device_it_used(run, suite_of):
    result = run(suite_of(measure=MEASURE))
    assert result.cases[0].outcome == Measured(stopped_by="launches")
    assert result.record.environment["device"] == {
        "uuid": "GPU-5f3c",
        "name": "NVIDIA H200",
        "sm": "sm90",
        "driver": "580.95",
    }


def test_a_run_on_no_cuda_device_names_none(run, suite_of, monkeypatch):
    monkeypatch.setattr(Fake, "device", "fake")
    assert run(suite_of(measure=MEASURE)).record.environment["device"] is None


def test_every_worker_sees_the_device_of_the_run_and_no_other(run, suite_of, monkeypatch):
    seen = []
    real = child.subprocess.Popen

    def start(command, **options):
        environment = options["env"]
        seen.append((command[4], environment.get("CUDA_VISIBLE_DEVICES")))
        return real(command, **options)

    monkeypatch.setattr(child.subprocess, "Popen", start)
    run(suite_of(measure=MEASURE))
    assert seen == [
        *[("harness.prepare.worker", None)] * 2,
        *[("harness.worker", "GPU-5f3c")] * 2,
        ("harness.worker", None),  # the reference, on the host
        *[("harness.worker", "GPU-5f3c")] * 2,
    ]


def test_the_device_is_locked_by_its_uuid(run, suite_of):
    held = hold(["GPU-5f3c"], what="another", wait=False, waiting=print)
    with held, pytest.raises(DeviceBusyError, match=r"^GPU-5f3c: expected to measure alone, got "):
        run(suite_of(measure=MEASURE))


def test_a_run_is_not_resumed_on_another_device(run, suite_of, recorder, gpu):
    suite = suite_of(measure=MEASURE)
    with pytest.raises(KeyboardInterrupt):
        run(suite, recorder(interrupt_at=2))
    gpu(replace(H200, uuid="GPU-6a11"))
    with pytest.raises(ResumeError) as caught:
        run(suite, resume="")
    assert str(caught.value).endswith(
        "got other: --device 'GPU-5f3c' then, 'GPU-6a11' now. "
        "Start a new run without --resume, or undo that."
    )
    gpu(H200)
    assert run(suite, resume="").end.state == "done"


def test_a_resumed_run_goes_on_on_its_own_device_where_none_is_named(
    run, suite_of, recorder, monkeypatch
):
    both = {"": H200, "1": replace(H200, uuid="GPU-6a11")}
    monkeypatch.setattr(driver, "find", (both | {"GPU-6a11": both["1"]}).get)
    suite = suite_of(measure=MEASURE)
    with pytest.raises(KeyboardInterrupt):
        run(suite, recorder(interrupt_at=2), device="1")
    done = run(suite, resume="")
    assert (done.end.state, done.record.environment["device"]["uuid"]) == ("done", "GPU-6a11")


def test_an_engine_that_cannot_fit_is_skipped_once_it_is_built(run, suite_of, gpu):
    gpu(replace(H200, memory_bytes=BOUND_BYTES))
    (case,) = run(suite_of(measure=MEASURE)).cases
    assert isinstance(case.outcome, Skipped)
    assert case.outcome.reason.startswith(
        "the engine, its working memory, inputs and outputs would take "
    )
    assert f"({BOUND_BYTES + case.record.engine_bytes} bytes)" in case.outcome.reason
    gpu(replace(H200, memory_bytes=BOUND_BYTES + case.record.engine_bytes))
    (case,) = run(suite_of(measure=MEASURE)).cases
    assert isinstance(case.outcome, Measured)


@pytest.fixture
def build(tmp_path, suite_of, matrix):
    def make(**options):
        workshop = Workshop.make(
            tmp_path / "store", None, cache_bytes=10**9, wait=False, told=lambda _: None
        )
        suite = suite_of(matrix=matrix(**options.pop("axes", {})), measure=MEASURE)
        return list(
            workshop.build(
                suite, installed_vocabulary(), **{"targets": (), "device": "", **options}
            )
        )

    return make


def per_sm(monkeypatch, **refused):
    monkeypatch.setattr(Fake, "engine_key", lambda *given: {"sm": given[-1].sm})
    monkeypatch.setattr(Fake, "cannot_build", lambda _, device: refused.get(device.sm))


def targets(*sms):
    return [Device(kind="cuda", sm=sm) for sm in sms]


def test_engines_are_built_for_each_target_and_found_again(build, monkeypatch):
    per_sm(monkeypatch, sm75="sm75 is too old.")
    made = build(targets=targets("sm86", "sm75", "sm120"))
    assert [(each.target, type(each.result)) for each in made] == [
        ("sm86", Built),
        ("sm75", Skipped),
        ("sm120", Built),
    ]
    assert made[1].result == Skipped(reason="fake: sm75 is too old.")
    assert made[0].result.key != made[2].result.key
    again = build(targets=targets("sm120", "sm86"))
    assert [each.result.cached for each in again] == [True, True]
    assert [each.result.key for each in again] == [made[2].result.key, made[0].result.key]


def test_a_run_takes_the_engines_that_were_built_ahead(build, run, suite_of, monkeypatch):
    per_sm(monkeypatch)
    monkeypatch.setattr(driver, "missing", lambda: "no driver.")
    (made,) = build(targets=targets("sm90"))
    monkeypatch.setattr(driver, "missing", lambda: None)
    (case,) = run(suite_of(measure=MEASURE)).cases
    assert case.record.engine_cached
    assert case.record.engine_key == made.result.key
    assert isinstance(case.outcome, Measured)


def test_without_a_target_engines_are_built_for_the_device_at_hand(build, monkeypatch):
    per_sm(monkeypatch)
    (made,) = build()
    assert (made.target, made.result.cached) == ("sm90", False)
    monkeypatch.setattr(driver, "missing", lambda: "no driver.")
    (made,) = build()
    assert (made.target, made.result) == (
        "cuda",
        Skipped(
            reason="fake: there is no device to build for. "
            "Give --target for a device that is not here."
        ),
    )


def test_builds_on_the_device_lock_it_and_builds_on_the_host_do_not(build, monkeypatch):
    per_sm(monkeypatch)
    with hold(["GPU-5f3c"], what="another", wait=False, waiting=print):
        with pytest.raises(DeviceBusyError):
            build()
        monkeypatch.setattr(Fake, "builds_on_device", False)
        assert isinstance(build()[0].result, Built)


def test_a_failure_and_what_the_suite_excludes_are_told(build):
    made = build(axes={"failure": ["build", "none"], "precision": ["fp32", "fp64"]})
    told = {each.case.id: each.result for each in made}
    assert len(told) == 4
    assert told["tiny/fake/fp32/b1/failure=build"].message == "fake: the builder gave up"
    assert isinstance(told["tiny/fake/fp64/b1/failure=none"], Skipped)
    assert isinstance(told["tiny/fake/fp32/b1/failure=none"], Built)


def test_a_model_that_cannot_be_prepared_fails_its_cases(build, monkeypatch):
    failure = Failed(kind="invalid-model", message="no", hint="none")
    monkeypatch.setattr("harness.staging.prepare_models", lambda *_: {"tiny": failure})
    assert [each.result for each in build(axes={"batch": [1, 2]})] == [failure] * 2
