from pathlib import Path
from types import SimpleNamespace

import pytest

from engines.contract import Device
from harness.paired.known import known
from harness.plan import Plan, PlannedCase
from harness.prepare.inputs import Inputs
from results.gate_record import Changes
from results.record import Failed, Skipped
from results.verdict import INCOMPARABLE, Verdict
from suites.case import Case

BROKEN = Failed(kind="invalid-model", message="no model", hint="Mend it.")
REPIN = "Have it pinned with 'dyno baseline rebase main SUITE'"


def case_of(batch):
    return Case(model="tiny", backend="fake", precision="fp32", batch=batch)


@pytest.fixture
def judge():
    """Return what is known of case 1, with this outcome here, against such a baseline."""

    def judged(outcome=None, *, pinned=(), left_out=None, devices=None, gone=(), inputs="a" * 64):
        planned = PlannedCase(position=0, case=case_of(1), options={}, outcome=outcome)
        baseline = SimpleNamespace(
            name="main",
            suite="rnn",
            cases=[
                SimpleNamespace(case=case_of(batch), inputs_sha256="a" * 64) for batch in pinned
            ],
            left_out=left_out or {},
            devices=devices or {},
        )
        plan = Plan(
            suite=None,
            models={},
            devices={"fake": Device(kind="fake")},
            cases=(planned,),
            estimate_s=0.0,
        )
        made = Inputs(path=Path("inputs.npz"), sha256=inputs, names=(), dtypes=())
        return known(baseline, plan, Changes(gone=gone), SimpleNamespace(inputs={0: made}))

    return judged


def test_a_case_that_both_sides_have_is_left_to_be_measured(judge):
    assert judge(pinned=(1, 2)) == {}


def test_a_pinned_case_that_failed_here_is_failed(judge):
    (found,) = judge(BROKEN, pinned=(1,)).values()
    assert found == Failed(kind="invalid-model", message="candidate: no model", hint="Mend it.")


def test_a_pinned_case_that_is_skipped_here_is_failed(judge):
    (found,) = judge(Skipped(reason="onnxruntime is not installed"), pinned=(1,)).values()
    assert found == Failed(
        kind="environment",
        message="candidate: skipped: onnxruntime is not installed",
        hint="Mend that here, or exclude the case and pin again with 'dyno baseline rebase'.",
    )


@pytest.mark.parametrize(
    ("outcome", "left_out", "reason"),
    [
        (None, None, f"it is new since the pin. {REPIN}"),
        (None, "build: it broke. Mend it.", f"not pinned: build: it broke. Mend it. {REPIN}"),
        (Skipped(reason="no device"), None, "skipped here: no device"),
        (Skipped(reason="no device"), "no device there.", "skipped here: no device"),
    ],
)
def test_a_case_that_is_not_pinned_is_incomparable_and_says_why(judge, outcome, left_out, reason):
    told = {case_of(1).id: left_out} if left_out else {}
    assert judge(outcome, left_out=told) == {
        case_of(1).id: Verdict(word=INCOMPARABLE, reason=reason)
    }


def test_a_new_case_that_failed_here_is_failed(judge):
    (found,) = judge(BROKEN).values()
    assert found == Failed(kind="invalid-model", message="candidate: no model", hint="Mend it.")


def test_another_device_than_the_pinned_one_is_incomparable(judge):
    (found,) = judge(pinned=(1,), devices={"fake": "another"}).values()
    assert found == Verdict(word=INCOMPARABLE, reason="device: pinned on another, and this is fake")


def test_other_inputs_than_the_pinned_ones_are_incomparable(judge):
    (found,) = judge(pinned=(1,), inputs="b" * 64).values()
    assert found == Verdict(
        word=INCOMPARABLE,
        reason="inputs: pinned were 'aaaaaaaaaaaa', and here they are 'bbbbbbbbbbbb'",
    )


def test_cases_that_are_gone_are_incomparable(judge):
    assert judge(pinned=(1, 2), gone=(case_of(2).id,)) == {
        case_of(2).id: Verdict(
            word=INCOMPARABLE, reason="the suite no longer has a case of this id"
        )
    }
