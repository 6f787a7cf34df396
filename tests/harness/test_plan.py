from pathlib import Path

import pytest

from harness.plan import make_plan
from harness.start import quickened
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
    assert quick.measure.launch_s == 0.2
    assert quick.measure.target == suite.measure.target
    assert quick.matrix == suite.matrix


def test_only_what_exists_can_be_picked():
    with pytest.raises(SuiteError, match=r"^--only: "):
        make_plan(suite_of(), VOCABULARY, only=[("batch", "3")])


def test_cases_of_a_model_that_was_not_fetched_are_planned_and_skipped(tmp_path):
    source = {"onnx": {"package": "basic-pitch", "file": "nmp.onnx"}}
    matrix = {"backend": ["onnxruntime-cpu"], "batch": [1], "precision": ["fp32", "fp16"]}

    plan = make_plan(suite_of(models={"notes": source}, matrix=matrix), VOCABULARY, store=tmp_path)

    ask = f"Run dyno models fetch basic-pitch --store {tmp_path}"
    assert {case.case.id: case.outcome for case in plan.cases} == {
        "notes/onnxruntime-cpu/fp32/b1": Skipped(reason=f"basic-pitch 0.4.0 is not fetched. {ask}"),
        "notes/onnxruntime-cpu/fp16/b1": Skipped(
            reason="the model is fp32; dyno cannot make it fp16 yet: ask for fp32"
        ),
    }
