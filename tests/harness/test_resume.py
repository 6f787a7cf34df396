"""Going on with runs that were interrupted, on the simulated device."""

import re
from dataclasses import replace

import pytest

from harness import staging, start
from harness.alive import AliveError, alive
from harness.observer import Silent
from harness.resume import ResumeError
from results.record import Measured
from results.store import Store

TWO = {"latency_ns": [1000, 2000]}


@pytest.fixture
def interrupted(run, suite_of, matrix, recorder):
    """Interrupt a run of two cases at its given launch; return its suite."""

    def interrupt(*, at):
        suite = suite_of(matrix=matrix(**TWO))
        with pytest.raises(KeyboardInterrupt):
            run(suite, recorder(interrupt_at=at))
        return suite

    return interrupt


def test_a_resumed_run_keeps_closed_cases_and_measures_open_ones_afresh(
    run, recorder, outcomes, interrupted
):
    # Launches: a, b, then the second of one, which closes it; the fourth is interrupted.
    suite = interrupted(at=4)
    watcher = recorder()

    resumed = run(suite, watcher, resume="")

    assert [launches for _, launches in watcher.launches] == [0, 1]
    assert len({case_id for case_id, _ in watcher.launches}) == 1
    assert set(outcomes(resumed).values()) == {Measured(stopped_by="launches")}
    assert sorted(launch.attempt for case in resumed.launches for launch in case) == [0, 0, 1, 1]
    assert [[launch.number for launch in case] for case in resumed.launches] == [[0, 1], [0, 1]]
    assert resumed.end.state == "done"


def test_a_resumed_run_tells_how_much_was_done(run, interrupted):
    suite = interrupted(at=4)
    told = []

    class Told(Silent):
        def started(self, run_id, plan, *, closed):
            told.append((run_id, len(plan.cases), len(plan.runnable), closed))

    resumed = run(suite, Told(), resume="")

    assert told == [(resumed.record.id, 2, 1, 1)]


def test_a_run_may_be_resumed_more_than_once(run, recorder, interrupted):
    suite = interrupted(at=2)
    with pytest.raises(KeyboardInterrupt):
        run(suite, recorder(interrupt_at=2), resume="")

    resumed = run(suite, resume="")

    assert [resume.number for resume in resumed.resumes] == [1, 2]
    assert {launch.attempt for case in resumed.launches for launch in case} == {2}
    assert [len(case) for case in resumed.launches] == [2, 2]


def test_a_run_that_is_done_is_not_resumed(run, suite_of):
    done = run(suite_of())
    with pytest.raises(ResumeError) as caught:
        run(suite_of(), resume=done.record.id)
    assert str(caught.value) == (
        f"run {done.record.id}: expected an unfinished run, got one that is done. "
        "Start a new one without --resume."
    )
    with pytest.raises(ResumeError, match="expected an unfinished run of suite 'simulated', got"):
        run(suite_of(), resume="")


def test_a_resume_says_what_differs(run, suite_of, matrix, interrupted):
    suite = interrupted(at=2)
    measure = {"launches": {"min": 3, "max": 3}, "launch_s": 0.1}
    other = replace(suite_of(matrix=matrix(latency_ns=[1000, 3000]), measure=measure), sha256="1")
    with pytest.raises(ResumeError) as caught:
        run(other, resume="")
    assert re.fullmatch(
        r"run \S+: expected what it was started with, got other: suite 'simulated' has "
        r"changed; measure\.launches_min 2 then, 3 now; measure\.launches_max 2 then, 3 now; "
        r"the cases, such as tiny/fake/fp32/b1/latency_ns=2000\. "
        r"Start a new run without --resume, or undo that\.",
        str(caught.value),
    )
    assert run(suite, resume="").end.state == "done"


def test_a_resume_of_another_part_or_environment_says_so(run, monkeypatch, interrupted):
    suite = interrupted(at=2)
    real = start.capture()
    changed = {**real, "cpu": {**real["cpu"], "governor": "other", "model": "another"}}
    monkeypatch.setattr(start, "capture", lambda **_: changed)
    with pytest.raises(ResumeError) as caught:
        run(suite, resume="", name="other", only=[("latency_ns", "1000")])
    message = str(caught.value)
    assert "--name 'simulated' then, 'other' now; " in message
    assert "--only 'nothing' then, 'latency_ns=1000' now; " in message
    assert f"cpu.model {real['cpu']['model']!r} then, 'another' now; " in message
    assert f"cpu.governor {real['cpu']['governor']!r} then, 'other' now" in message


def test_a_model_that_has_changed_since_is_not_mixed_with_the_old_one(
    run, monkeypatch, interrupted
):
    suite = interrupted(at=3)
    real = staging.prepare_models

    def altered(*arguments):
        return {name: replace(model, sha256="f" * 64) for name, model in real(*arguments).items()}

    monkeypatch.setattr(staging, "prepare_models", altered)
    with pytest.raises(ResumeError) as caught:
        run(suite, resume="")
    assert re.fullmatch(
        r"model 'tiny': expected the bytes that tiny/fake/fp32/b1/latency_ns=1000 has, got "
        r"others: sha256 [0-9a-f]{12} then, f{12} now\. "
        r"Start a new run without --resume, or undo that\.",
        str(caught.value),
    )


def test_a_run_that_goes_on_is_not_resumed(run, tmp_path, interrupted):
    suite = interrupted(at=2)
    store = Store(tmp_path / "store")
    with alive(tmp_path / "store", store.find_run()), pytest.raises(AliveError):
        run(suite, resume="")


def test_inputs_that_have_changed_since_are_refused_before_a_resume_is_stored(
    run, interrupted, monkeypatch, tmp_path
):
    suite = interrupted(at=3)
    real = staging.store_inputs

    def altered(*arguments, **options):
        return replace(real(*arguments, **options), sha256="f" * 64)

    monkeypatch.setattr(staging, "store_inputs", altered)
    with pytest.raises(ResumeError) as caught:
        run(suite, resume="")
    assert re.fullmatch(
        r"tiny/fake/fp32/b1/latency_ns=\d000: expected the inputs that it had, got others: "
        r"sha256 [0-9a-f]{12} then, f{12} now\. Start a new run without --resume, or undo that\.",
        str(caught.value),
    )
    store = Store(tmp_path / "store")
    assert store.read_run(store.find_run()).resumes == ()


def test_a_case_that_can_no_longer_be_tried_is_told(run, interrupted, monkeypatch):
    suite = interrupted(at=3)
    monkeypatch.setattr("engines.backends.fake.Fake.unavailable", lambda _: "the device is gone")
    with pytest.raises(ResumeError) as caught:
        run(suite, resume="")
    assert (
        "tiny/fake/fp32/b1/latency_ns=1000 was tried then, cannot be now "
        "(fake: the device is gone)" in str(caught.value)
    )


def test_a_worker_of_other_code_does_not_go_on_with_the_run(run, interrupted, monkeypatch):
    suite = interrupted(at=3)
    real = start.copy_closure

    def edited(store):
        return real(store).rename(store / "worker" / "edited")

    monkeypatch.setattr(start, "copy_closure", edited)
    with pytest.raises(ResumeError, match=r"source\.worker '[0-9a-f]{16}' then, 'edited' now"):
        run(suite, resume="")


def test_parts_of_a_suite_in_another_order_are_the_same_part(run, suite_of, matrix, recorder):
    suite = suite_of(matrix=matrix(**TWO))
    part = [("latency_ns", "1000"), ("latency_ns", "2000")]
    with pytest.raises(KeyboardInterrupt):
        run(suite, recorder(interrupt_at=2), only=part)

    assert run(suite, only=part[::-1], resume="").end.state == "done"


def test_a_clock_that_was_set_back_does_not_undo_an_end(run, interrupted, monkeypatch):
    suite = interrupted(at=3)
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)

    resumed = run(suite, resume="")

    assert resumed.end.state == "done"
    assert resumed.record.started_at < resumed.resumes[0].resumed_at <= resumed.end.ended_at
