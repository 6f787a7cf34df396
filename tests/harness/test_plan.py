from dataclasses import replace
from pathlib import Path

import pytest

from engines.backends.fake import Fake
from engines.contract import Device
from harness.devices import Aim
from harness.plan import make_plan
from harness.start import measured_as, quickened
from harness.vocabulary import installed_vocabulary
from results.record import Skipped
from suites.errors import SuiteError
from suites.load import parse_suite

VOCABULARY = installed_vocabulary()


def suite_of(**changes):
    document = {
        "suite": "planned",
        "models": {"tiny": {"builtin": "mlp"}},
        "matrix": {"model": ["tiny"], "backend": ["fake"], "batch": [1, 2]},
        "measure": {"launches": {"min": 2, "max": 4}, "launch_s": 1.0},
        **changes,
    }
    return parse_suite(
        document,
        where="test",
        base=Path(),
        sha256="0",
        path=None,
        vocabulary=VOCABULARY,
    )


def test_cases_have_their_place_and_all_options_resolved():
    plan = make_plan(suite_of(defaults={"latency_ns": 7}), VOCABULARY)
    assert [case.position for case in plan.cases] == [0, 1]
    assert plan.cases[0].options["latency_ns"] == 7
    assert plan.cases[0].options["streams"] == 1
    assert dict(plan.cases[0].case.options) == {"latency_ns": 7}


def test_an_excluded_case_is_settled_with_its_reason():
    exclude = [{"batch": 2, "reason": "too large"}]
    plan = make_plan(suite_of(exclude=exclude), VOCABULARY)
    assert [case.outcome for case in plan.cases] == [
        None,
        Skipped(reason="excluded by the suite: too large"),
    ]
    assert [case.case.batch for case in plan.runnable] == [1]


def test_the_estimate_counts_what_will_run():
    both = make_plan(suite_of(), VOCABULARY)
    one = make_plan(suite_of(), VOCABULARY, only=[("batch", "1")])
    none = make_plan(suite_of(exclude=[{"backend": "fake"}]), VOCABULARY)
    # build 0.5 s, and 3 launches (half-way from 2 to 4) of 0.35 + 0.4 + 1.0 s
    assert one.estimate_s == pytest.approx(0.5 + 3 * 1.75)
    assert both.estimate_s == pytest.approx(2 * one.estimate_s)
    assert none.estimate_s == 0


def test_a_quick_suite_has_three_short_launches_and_keeps_the_rest():
    suite = suite_of()
    quick = quickened(suite)
    assert (quick.measure.launches_min, quick.measure.launches_max) == (3, 3)
    assert (quick.measure.launch_s, quick.measure.telemetry_s) == (0.2, 0)
    assert quick.measure.target == suite.measure.target
    assert quick.matrix == suite.matrix


def test_telemetry_may_be_left_out_and_nothing_else_changes():
    suite = suite_of()
    assert suite.measure.telemetry_s == 5.0
    assert measured_as(suite, quick=False, telemetry=True, accuracy=True) == suite
    assert measured_as(suite, quick=True, telemetry=True, accuracy=True) == quickened(suite)
    without = measured_as(suite, quick=False, telemetry=False, accuracy=True)
    assert without == replace(suite, measure=replace(suite.measure, telemetry_s=0.0))


def test_the_answers_may_be_left_out_by_the_suite_or_the_command_line():
    suite = suite_of()
    without = measured_as(suite, quick=False, telemetry=True, accuracy=False)
    assert without == replace(suite, measure=replace(suite.measure, accuracy=False))
    assert measured_as(without, quick=False, telemetry=True, accuracy=True) == without


def test_only_what_exists_can_be_picked():
    with pytest.raises(SuiteError, match=r"^--only: "):
        make_plan(suite_of(), VOCABULARY, only=[("batch", "3")])


def test_cases_of_a_model_that_was_not_fetched_are_planned_and_skipped(tmp_path):
    source = {"onnx": {"package": "basic-pitch", "file": "nmp.onnx"}}
    matrix = {"backend": ["onnxruntime-cpu"], "batch": [1], "precision": ["fp32", "fp16", "fp64"]}

    plan = make_plan(suite_of(models={"notes": source}, matrix=matrix), VOCABULARY, store=tmp_path)

    ask = f"Run dyno models fetch basic-pitch --store {tmp_path}"
    not_fetched = Skipped(reason=f"basic-pitch 0.4.0 is not fetched. {ask}")
    assert {case.case.id: case.outcome for case in plan.cases} == {
        "notes/onnxruntime-cpu/fp32/b1": not_fetched,
        "notes/onnxruntime-cpu/fp16/b1": not_fetched,
        "notes/onnxruntime-cpu/fp64/b1": Skipped(
            reason="dyno makes no fp64 graphs of fp32 models; use fp32"
        ),
    }


@pytest.fixture
def on_a_gpu(monkeypatch):
    """Make the simulated backend one of a CUDA device; returns a function that says which."""
    monkeypatch.setattr(Fake, "device", "cuda")

    def have(**facts):
        device = Device(kind="cuda", **facts)
        monkeypatch.setattr(
            "harness.plan.find_devices", lambda *_: {"cuda": device, "fake": Device(kind="fake")}
        )

    return have


def test_tf32_runs_the_fp32_graph_on_a_cuda_device_only(on_a_gpu, monkeypatch):
    suite = suite_of(
        matrix={"model": ["tiny"], "backend": ["fake"], "batch": [1], "precision": ["tf32", "fp64"]}
    )
    refused = Skipped(reason="dyno makes no fp64 graphs of fp32 models; use fp32")
    on_a_gpu()
    assert [case.outcome for case in make_plan(suite, VOCABULARY).cases] == [None, refused]
    monkeypatch.setattr(Fake, "device", "fake")
    assert make_plan(suite, VOCABULARY).cases[0].outcome == Skipped(
        reason="dyno makes no tf32 graphs of fp32 models; use fp32"
    )


def test_the_watching_pass_of_a_cuda_device_counts_in_the_estimate(on_a_gpu):
    on_a_gpu()
    matrix = {"model": ["tiny"], "backend": ["fake"], "batch": [1]}
    measure = {"launches": 2, "launch_s": 1.0}
    watched = make_plan(suite_of(matrix=matrix, measure=measure), VOCABULARY)
    measure = {**measure, "telemetry_s": 0}
    unwatched = make_plan(suite_of(matrix=matrix, measure=measure), VOCABULARY)
    # build 0.5 s, 2 launches of 0.35 + 1 + 1 s, and one pass of 0.35 + 1 + 5 s
    assert unwatched.estimate_s == pytest.approx(5.2)
    assert watched.estimate_s == pytest.approx(5.2 + 6.35)


def test_a_case_that_cannot_fit_its_device_is_skipped_before_it_is_tried(on_a_gpu):
    on_a_gpu(name="NVIDIA T4", memory_bytes=5000)
    first, second = make_plan(suite_of(), VOCABULARY).cases
    assert first.outcome is None
    assert second.outcome.reason.startswith("weights, inputs and outputs would take ")
    assert "NVIDIA T4" in second.outcome.reason


def test_the_device_that_was_chosen_is_the_plans(monkeypatch):
    monkeypatch.setattr(Fake, "device", "cuda")
    monkeypatch.setattr("engines.cuda.driver.missing", lambda: None)
    chosen = Device(kind="cuda", uuid="GPU-2", driver="580")
    monkeypatch.setattr("engines.cuda.driver.find", {"2": chosen}.__getitem__)
    assert make_plan(suite_of(), VOCABULARY, device="2").devices == {"cuda": chosen}


def test_a_plan_of_builds_judges_by_what_can_be_built_for_the_target(monkeypatch):
    monkeypatch.setattr(Fake, "device", "cuda")
    monkeypatch.setattr(Fake, "unavailable", lambda _: "no driver.")
    monkeypatch.setattr(
        Fake, "cannot_build", lambda _, device: None if device.sm == "sm86" else "too new."
    )
    plans = [
        make_plan(suite_of(), VOCABULARY, aim=Aim(target=Device(kind="cuda", sm=sm)))
        for sm in ("sm86", "sm121")
    ]
    assert [case.outcome for case in plans[0].cases] == [None, None]
    assert [case.outcome for case in plans[1].cases] == [Skipped(reason="fake: too new.")] * 2
    assert plans[0].devices["cuda"].sm == "sm86"
