from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.accuracy import check as module
from harness.accuracy.check import Checker, judged, limits_of
from harness.child import ChildError
from results.accuracy import AccuracyRecord, OutputParity
from results.record import Failed
from suites.case import Case
from suites.datasets.samples import Samples
from suites.suite import AccuracyLimits, Gate

SAMPLES = Samples(
    name="mine",
    inputs={"x": np.zeros((4, 2), dtype=np.float32)},
    labels=np.zeros(4, dtype=np.int64),
    task="classification",
    output="y",
)
PARITY = OutputParity(
    output="y",
    values=8,
    max_abs=0.1,
    max_rel=0.1,
    cosine=0.985,
    snr_db=20.0,
    top1=1.0,
    nan=0,
    inf=0,
)
RECORD = AccuracyRecord(attempt=0, started_at=1.0, parity=(PARITY,))
PLAN = SimpleNamespace(models={"m": SimpleNamespace(signature="the model's")})


def ready(backend="onnxruntime-cpu", precision="int8", *, own="fp32", samples="", position=0):
    case = Case(model="m", backend=backend, precision=precision, batch=1)
    return SimpleNamespace(
        planned=SimpleNamespace(case=case, position=position),
        own=SimpleNamespace(precision=own),
        samples=samples,
    )


@pytest.fixture
def checker(monkeypatch):
    """A checker whose passes are answered by `answers`, by position; `asked` has the questions."""
    asked, answers = {}, {}

    def run(entry, _workplace, question):
        asked[entry.planned.position] = question
        found = answers.get(entry.planned.position, RECORD)
        if isinstance(found, ChildError):
            raise found
        return found

    monkeypatch.setattr(module, "run_accuracy", run)
    made = Checker(plan=PLAN, workplace=None)
    return SimpleNamespace(check=made.check, check_all=made.check_all, asked=asked, answers=answers)


def test_another_precision_than_the_models_own_is_asked_for_parity(checker):
    assert checker.check(ready()) == RECORD
    question = checker.asked[0]
    assert (question.parity, question.samples, question.signature) == (True, None, "the model's")


@pytest.mark.parametrize(
    "case", [ready(precision="fp32"), ready("fake", "int8")], ids=["the reference itself", "fake"]
)
def test_a_case_that_can_only_agree_is_not_asked(checker, case):
    assert checker.check(case) is None
    assert checker.asked == {}


def test_the_models_own_precision_is_scored_where_there_is_data(checker):
    checker.check(ready(precision="fp32", samples=SAMPLES))
    assert (checker.asked[0].parity, checker.asked[0].samples) == (False, SAMPLES)


def test_data_that_is_not_there_is_a_reason_beside_parity(checker):
    found = checker.check(ready(samples="scikit-learn is not installed."))
    assert found == replace(RECORD, skipped={"setup": "scikit-learn is not installed."})
    assert checker.asked[0].samples is None


def test_a_case_that_could_only_be_scored_says_that_its_data_is_not_there(checker):
    checker.answers[0] = replace(RECORD, skipped={"reference": "none"})
    found = checker.check(ready(precision="fp32", samples="not installed."))
    assert found.skipped == {"reference": "none", "setup": "not installed."}


def test_data_without_labels_is_asked_for_parity_alone(checker):
    unlabelled = replace(SAMPLES, labels=None, task="")
    assert checker.check(ready(precision="fp32", samples=unlabelled)) is None
    checker.check(ready(samples=unlabelled, position=1))
    assert {at: (each.parity, each.samples) for at, each in checker.asked.items()} == {
        1: (True, unlabelled)
    }


def test_a_session_that_fails_is_told_as_its_error(checker):
    error = checker.answers[0] = ChildError("crash", "SIGSEGV in 'infer'", "See the log.")
    assert checker.check(ready()) is error


def test_hosts_cases_come_first_and_every_case_once(checker):
    cases = [
        ready("tensorrt", position=0),
        ready(position=1),
        ready("onnxruntime-cuda", position=2),
        ready(position=3),
    ]
    found = [entry.planned.position for entry, _ in checker.check_all(cases)]
    assert found == [1, 3, 0, 2]


def test_a_precision_is_held_to_its_own_limits_and_the_others_of_all():
    gate = Gate(
        accuracy=AccuracyLimits(min_cosine=0.99, max_abs=1.0),
        by_precision=(("int4", AccuracyLimits(min_cosine=0.98)),),
    )
    assert limits_of(gate, "int8") == gate.accuracy
    assert limits_of(gate, "int4") == AccuracyLimits(min_cosine=0.98, max_abs=1.0)
    assert judged(RECORD, gate, "int4") is None
    assert judged(RECORD, gate, "int8") == Failed(
        kind="accuracy",
        message="cosine 0.985 of output 'y' is below 0.99",
        hint="Exclude the case, choose another precision, or loosen gate.accuracy.",
    )


def test_a_case_that_was_not_asked_passes_every_gate():
    assert judged(None, Gate(accuracy=AccuracyLimits(min_cosine=1.0)), "fp32") is None
