import sys
from dataclasses import replace

import numpy as np
import pytest

from engines import registry
from harness.accuracy.answers import Question, run_accuracy, wants_parity
from harness.child import ChildError
from suites.case import Case
from suites.datasets.samples import Samples
from suites.signature import Signature, TensorSpec

pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")

WEIGHTS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, -1]], np.float32)
SIGNATURE = Signature(
    inputs=(TensorSpec(name="x", dtype="float32", dims=("batch", 4)),),
    outputs=(TensorSpec(name="y", dtype="float32", dims=("batch", 3)),),
)
SAMPLES = Samples(
    name="ours",
    inputs={"x": np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]},
    labels=np.array([0, 1, 2, 0, 1]),
    task="classification",
    output="y",
)


def question(own, *, samples=None, parity=True):
    return Question(own=own, signature=SIGNATURE, samples=samples, parity=parity)


@pytest.fixture
def rough():
    """Weights that a coarse precision left: class 2 is lost."""
    weights = WEIGHTS.copy()
    weights[2] = [0.5, 0, 0]
    return weights


def test_a_case_is_compared_with_the_model_as_it_came(prepared, ready, workplace, rough):
    case = ready(prepared(rough, name="rough"))
    record = run_accuracy(case, workplace, question(prepared()))
    [found] = record.parity
    # x is [[1, 2, 3, 4], [-4, 3, -2, 1]]; the third row of weights turns from [0, 0, 1]
    assert (found.output, found.values, found.max_abs) == ("y", 6, 3.0)
    assert found.max_rel == 0.5
    assert record.reference == "the fp32 graph on onnxruntime-cpu"
    assert (record.task, record.skipped, record.attempt) == (None, {}, 0)
    assert record.started_at > 0


def test_the_answers_to_a_data_set_are_scored_beside_the_references(
    prepared, ready, workplace, rough
):
    case = ready(prepared(rough, name="rough"))
    record = run_accuracy(case, workplace, question(prepared(), samples=SAMPLES, parity=False))
    assert (record.task.dataset, record.task.samples) == ("ours", 5)
    assert record.task.metrics["accuracy"] == 3 / 5
    assert record.task.reference["accuracy"] == 4 / 5
    assert [each.support for each in record.task.classes] == [2, 2, 1]
    assert (record.parity, record.skipped) == ((), {})
    assert record.reference == "the fp32 graph on onnxruntime-cpu, on samples of ours"


def test_with_a_data_set_parity_is_that_of_its_first_query(prepared, ready, workplace, rough):
    late = replace(SAMPLES, inputs={"x": SAMPLES.inputs["x"][[0, 1, 3, 2, 0]]})
    case, own = ready(prepared(rough, name="rough")), prepared()
    record = run_accuracy(case, workplace, question(own, samples=late))
    assert record.parity[0].max_abs == 0.0  # the row of weights that differs is the third
    early = replace(SAMPLES, inputs={"x": SAMPLES.inputs["x"][[2, 0, 1, 3, 0]]})
    record = run_accuracy(case, workplace, question(own, samples=early))
    assert record.parity[0].max_abs == 1.0
    assert record.reference == "the fp32 graph on onnxruntime-cpu, on samples of ours"


def test_data_without_labels_is_what_parity_is_on(prepared, ready, workplace, rough):
    unlabelled = replace(SAMPLES, labels=None, task="")
    case, own = ready(prepared(rough, name="rough")), prepared()
    record = run_accuracy(case, workplace, question(own, samples=unlabelled))
    assert record.parity[0].max_abs == 0.0  # the first query is of rows that do not differ
    assert record.reference == "the fp32 graph on onnxruntime-cpu, on samples of ours"
    assert (record.task, record.skipped) == (None, {})


def test_data_without_labels_that_does_not_fit_leaves_the_cases_inputs(prepared, ready, workplace):
    longer = replace(SAMPLES, inputs={"x": np.zeros((5, 6), np.float32)}, labels=None, task="")
    own = prepared()
    record = run_accuracy(ready(own), workplace, question(own, samples=longer))
    assert record.parity[0].cosine == 1.0
    assert (record.reference, record.skipped) == ("the fp32 graph on onnxruntime-cpu", {})


def test_without_what_scores_parity_stands_and_the_setup_is_told(
    prepared, ready, workplace, monkeypatch
):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    own = prepared()
    record = run_accuracy(ready(own), workplace, question(own, samples=SAMPLES))
    told = "scikit-learn is not installed. Install dyno with the 'accuracy' extra."
    assert record.skipped == {"setup": told}
    assert (record.parity[0].cosine, record.task) == (1.0, None)


def test_a_reference_that_is_none_is_a_reason_and_the_scores_stand_alone(
    prepared, ready, workplace
):
    noisy = prepared(name="noisy", noisy=True, precision="bf16")
    record = run_accuracy(ready(prepared()), workplace, question(noisy, samples=SAMPLES))
    reason = "onnxruntime-cpu: ONNX Runtime has no bf16 kernels on the CPU; use fp32 or fp16"
    assert record.skipped == {"parity": reason, "reference": reason}
    assert (record.parity, record.task.reference, record.reference) == ((), {}, "")
    assert record.task.metrics["accuracy"] == 4 / 5


def test_a_data_set_that_does_not_fit_is_a_reason(prepared, ready, workplace):
    longer = replace(SAMPLES, inputs={"x": np.zeros((5, 6), np.float32)})
    own = prepared()
    record = run_accuracy(ready(own), workplace, question(own, samples=longer))
    assert record.skipped == {
        "task": "data set 'ours': expected queries of [2, 4] for input 'x', as the case has them, "
        "got [2, 6]. Give the case the sizes of the data."
    }
    assert record.parity[0].cosine == 1.0


def test_labels_that_the_model_has_no_class_for_are_a_reason(prepared, ready, workplace):
    wrong = replace(SAMPLES, labels=np.array([0, 1, 2, 3, 0]))
    own = prepared()
    record = run_accuracy(ready(own), workplace, question(own, samples=wrong, parity=False))
    assert record.skipped == {
        "task": "data set 'ours': expected labels from 0 to 2, as output 'y' has them, got 3. "
        "Number the labels as the model does, or name another output."
    }
    assert record.task is None


def test_without_a_question_nothing_is_opened(prepared, ready, workplace):
    own = prepared()
    case = ready(own)
    case.built.path.unlink()
    unlabelled = replace(SAMPLES, labels=None, task="")
    record = run_accuracy(case, workplace, question(own, samples=unlabelled, parity=False))
    assert (record.parity, record.task, record.skipped) == ((), None, {})


def test_a_session_that_fails_fails_the_case(prepared, ready, workplace):
    own = prepared()
    case = ready(own)
    case.built.path.unlink()
    with pytest.raises(ChildError) as error:
        run_accuracy(case, workplace, question(own))
    assert (error.value.kind, error.value.message) == (
        "disk",
        f"{case.built.path}: no such file or directory",
    )


@pytest.mark.parametrize(
    ("backend", "precision", "own", "wanted"),
    [
        ("onnxruntime-cpu", "fp32", "fp32", False),
        ("onnxruntime-cpu", "fp16", "fp16", False),
        ("onnxruntime-cpu", "int8", "fp32", True),
        ("tensorrt", "fp32", "fp32", True),
        ("fake", "int8", "fp32", False),
    ],
)
def test_parity_is_wanted_where_answers_can_differ(backend, precision, own, wanted):
    case = Case(model="m", backend=backend, precision=precision, batch=1)
    assert wants_parity(case, own, registry.get(backend)) is wanted
