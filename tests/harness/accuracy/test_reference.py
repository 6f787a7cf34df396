from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from engines import registry
from harness.accuracy import reference as module
from harness.accuracy.batches import Batches
from harness.accuracy.reference import NoReferenceError, Reference
from harness.accuracy.scores import ScoreError
from harness.child import Child
from suites.case import Case
from suites.datasets.samples import Samples
from suites.signature import Signature, TensorSpec

pytest.importorskip("onnxruntime")

CASE = Case(model="m", backend="tensorrt", precision="int8", batch=2, options=(("streams", 2),))
VALUES = np.array([[1, 2, 3, 4], [-4, 3, -2, 1]], np.float32)
ANSWERS = [[5, 6, -1], [-3, 4, -3]]


@pytest.fixture
def asked(monkeypatch):
    """The verbs that children were asked, in order."""
    verbs = []

    class Counted(Child):
        def ask(self, verb, **fields):
            verbs.append(verb)
            return super().ask(verb, **fields)

    monkeypatch.setattr(module, "Child", Counted)
    return verbs


@pytest.fixture
def reference(prepared, inputs, workplace):
    return lambda **model: Reference(
        own=prepared(**model), case=CASE, inputs=inputs, workplace=workplace
    )


def batches():
    samples = Samples(
        name="ours",
        inputs={"x": np.repeat(VALUES, 2, axis=0)[:3]},
        labels=np.zeros(3, np.int64),
        task="classification",
        output="y",
    )
    signature = Signature(
        inputs=(TensorSpec(name="x", dtype="float32", dims=("batch", 4)),),
        outputs=(TensorSpec(name="y", dtype="float32", dims=("batch", 3)),),
    )
    return Batches(samples=samples, signature=signature, inputs={"x": VALUES})


def told(call):
    with pytest.raises(NoReferenceError) as error:
        call()
    return str(error.value)


def test_the_models_own_graph_answers_twice_and_is_kept_for_every_other_case(reference, asked):
    found = reference().answers()
    assert {name: array.tolist() for name, array in found.items()} == {"y": ANSWERS}
    assert asked == ["describe", "build", "open", "infer", "infer"]
    asked.clear()
    other = replace(reference(), case=replace(CASE, backend="fake", precision="fp16", options=()))
    assert other.answers()["y"].tolist() == ANSWERS
    assert asked == []


def test_cases_that_ask_at_once_share_one_run(reference, asked):
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda each: each.answers(), [reference()] * 3))
    assert [each["y"].tolist() for each in found] == [ANSWERS] * 3
    assert asked == ["describe", "build", "open", "infer", "infer"]


def test_it_says_what_it_is(reference):
    assert reference().told == "the fp32 graph on onnxruntime-cpu"


@pytest.mark.parametrize("change", ["model", "inputs"])
def test_another_model_or_other_inputs_are_run_anew(reference, asked, change):
    before = reference()
    before.answers()
    asked.clear()
    if change == "model":
        after = reference(name="other")
    else:
        after = replace(before, inputs=replace(before.inputs, sha256="other"))
    after.answers()
    assert "infer" in asked


def test_another_runtime_is_asked_anew(reference, asked, monkeypatch):
    reference().answers()
    asked.clear()
    kind = type(registry.get("onnxruntime-cpu"))
    monkeypatch.setattr(kind, "engine_key", lambda *_: {"runtime": "another"})
    reference().answers()
    assert "infer" in asked


def test_a_query_of_the_data_is_answered_and_kept_apart_from_the_cases_inputs(reference, asked):
    query = {"x": VALUES[::-1]}
    assert reference().answers(query)["y"].tolist() == ANSWERS[::-1]
    assert reference().answers()["y"].tolist() == ANSWERS
    asked.clear()
    assert reference().answers(query)["y"].tolist() == ANSWERS[::-1]
    assert asked == []


def test_a_data_set_goes_through_once_and_its_answers_are_kept(reference, asked):
    first = reference().scored(batches())
    assert first.tolist() == [ANSWERS[0], ANSWERS[0], ANSWERS[1]]
    assert asked == ["describe", "build", "open", "infer", "infer"]
    asked.clear()
    assert reference().scored(batches()).tolist() == first.tolist()
    assert asked == []


def test_another_output_of_the_same_samples_is_scored_by_its_own_answers(reference):
    ours = batches()
    reference().scored(ours)
    other = replace(ours, samples=replace(ours.samples, output="z"))
    with pytest.raises(ScoreError, match=r"^data set 'ours': expected an output 'z' to score"):
        reference().scored(other)


def test_a_model_that_disagrees_with_itself_is_no_reference(reference):
    found = told(lambda: reference(noisy=True).answers())
    assert found == "non-deterministic: two runs on the same inputs differ in output 'y'"


def test_without_the_runtime_there_is_no_reference(reference, monkeypatch):
    monkeypatch.setattr("engines.backends.onnxruntime_cpu.missing", lambda _: "Install it.")
    assert told(lambda: reference().answers()) == "onnxruntime-cpu: Install it."


def test_a_model_of_a_precision_without_kernels_has_no_reference(reference):
    assert told(lambda: reference(precision="bf16").answers()) == (
        "onnxruntime-cpu: ONNX Runtime has no bf16 kernels on the CPU; use fp32 or fp16"
    )


def test_a_model_that_cannot_be_built_has_no_reference(reference):
    broken = reference()
    broken.own.path.write_bytes(b"\x08")
    assert told(broken.answers).startswith("the reference failed: ")


def test_a_store_that_cannot_be_written_has_no_reference(reference, folders):
    scratch = folders.scratch("reference")
    scratch.parent.mkdir(parents=True)
    scratch.touch()
    assert told(lambda: reference().answers()) == f"the reference failed: {scratch}: file exists"


def test_nothing_is_left_of_the_engine(reference, folders):
    reference().answers()
    assert list(folders.scratch("reference").iterdir()) == []
