import sys

import numpy as np
import pytest

from suites.datasets import digits_rows
from suites.datasets.load import load_dataset
from suites.datasets.samples import split
from suites.errors import SuiteError
from suites.signature import Signature, TensorSpec
from suites.suite import NamedDataset

LABELLED = {"labels": "y", "task": "classification"}


def spec(name, *dims, dtype="float32", bound=None):
    return TensorSpec(name=name, dtype=dtype, dims=dims, bound=bound)


TWO = Signature(
    inputs=(spec("x", "batch", "sequence"), spec("state", 2, "batch", 3)),
    outputs=(spec("y", "batch", 4), spec("z", "batch", "sequence", 5)),
)


def test_a_file_is_the_samples_of_its_arrays(data, images):
    data.save(images=images, y=np.array([0, 1, 2, 1, 0], dtype=np.uint8))

    found = data.load(**LABELLED)

    assert (found.name, found.task, found.output) == ("val.npz", "classification", "logits")
    assert (found.classes, found.training) == ((), 0)
    np.testing.assert_array_equal(found.inputs["x"], images)
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == [0, 1, 2, 1, 0]


def test_a_file_without_labels_only_calibrates(data, images):
    data.save(images=images)

    found = data.load()

    assert (found.labels, found.task) == (None, "")
    assert len(found) == 5


def test_samples_come_first_wherever_the_model_has_its_batch(data):
    states = np.arange(30, dtype=np.float32).reshape(5, 2, 3)
    data.save(words=np.zeros((5, 7), np.float32), states=states, y=np.zeros((5, 7), np.int16))

    found = data.load(
        TWO,
        (("x", "words"), ("state", "states")),
        labels="y",
        task="sequence",
        output="z",
    )

    np.testing.assert_array_equal(found.inputs["state"], states)
    assert found.output == "z"


def test_inputs_that_the_suite_gives_values_for_need_none(data):
    data.save(words=np.zeros((5, 7), np.float32))

    assert list(data.load(TWO, (("x", "words"),), given=("state",)).inputs) == ["x"]


def test_every_other_input_needs_values(data):
    data.save(words=np.zeros((5, 7), np.float32))

    assert data.error(TWO, (("x", "words"),)) == (
        ".inputs: expected values for every input, got none for 'state'. "
        "Add it, or give it a value under the model's own 'inputs'."
    )


def test_an_unknown_input_suggests_one(data):
    assert data.error(TWO, (("states", "s"),)) == (
        ".inputs: expected one of the model's inputs 'x', 'state', got 'states'. "
        "Did you mean 'state'?"
    )


def test_an_unknown_output_suggests_one(data, images):
    data.save(images=images, y=np.zeros(5, int))

    assert data.error(output="logit", **LABELLED) == (
        ".output: expected one of the model's outputs 'logits', got 'logit'. Did you mean 'logits'?"
    )


def test_inputs_must_have_as_many_samples(data):
    data.save(words=np.zeros((5, 7), np.float32), s=np.zeros((4, 2, 3), np.float32))

    assert data.error(TWO, (("x", "words"), ("state", "s"))) == (
        ".inputs.state: expected 5 samples, as 'x' has, got 4 in 's'. Save as many."
    )


@pytest.mark.parametrize("count", [0, 1])
def test_two_samples_are_the_fewest(data, images, count):
    data.save(images=images[:count])

    assert data.error() == (
        f".inputs.x: expected at least 2 samples, got {count} in 'images'. "
        "Half of them calibrate, the others are scored."
    )


def test_an_input_without_a_batch_has_no_samples(data):
    signature = Signature(inputs=(*TWO.inputs, spec("rate", dtype="int64")), outputs=TWO.outputs)

    assert data.error(signature, (("rate", "r"),), given=("x", "state")) == (
        ": expected a dimension 'batch' for the samples, got 'rate' []. Name it under 'dims', "
        "or leave the input out and give it a value under the model's own 'inputs'."
    )


def test_samples_of_a_static_batch_come_first(data):
    static = Signature(inputs=(spec("x", 4, 2),), outputs=(spec("y", 4, 3),))
    data.save(images=np.zeros((5, 2), np.float32))

    assert data.load(static).inputs["x"].shape == (5, 2)


def test_inputs_of_a_static_batch_must_agree_about_it(data):
    static = Signature(inputs=(spec("x", 4, 2), spec("state", 2, 4)), outputs=(spec("y", 4, 3),))

    assert data.error(static, (("x", "a"), ("state", "b"))).startswith(
        ": expected a dimension 'batch' for the samples, got 'state' [2, 4]. Name it under 'dims',"
    )


ROWS = Signature(inputs=(spec("rows", "batch", 8, 8),), outputs=(spec("logits", "batch", 10),))


def named(signature, given=()):
    return load_dataset(NamedDataset(name="digits-rows"), signature, "s.yaml", given=given)


def test_a_named_set_feeds_the_one_input_that_has_no_values_yet():
    wide = Signature(inputs=(*ROWS.inputs, spec("scale", dtype="float32")), outputs=ROWS.outputs)

    found = named(wide, given=("scale",))

    assert list(found.inputs) == ["rows"]
    assert (found.name, found.task, found.output) == ("digits-rows", "classification", "logits")
    assert found.classes == tuple("0123456789")
    calibrating, scored = split(found, 64)
    assert (len(calibrating), len(scored)) == (64, 360)


def test_a_named_set_feeds_the_only_input_whatever_it_is_timed_on():
    assert list(named(ROWS, given=("rows",)).inputs) == ["rows"]


@pytest.mark.parametrize("given", [(), ("x", "state")])
def test_a_named_set_feeds_one_input_only(given):
    with pytest.raises(SuiteError) as caught:
        named(TWO, given)
    assert str(caught.value) == (
        "s.yaml: expected one input for digits-rows, got 'x' and 'state'. "
        "Give every other input a value under 'inputs'."
    )


def test_a_named_set_must_fit_the_model():
    flat = Signature(inputs=(spec("x", "batch", 64),), outputs=ROWS.outputs)

    with pytest.raises(SuiteError) as caught:
        named(flat)
    assert str(caught.value) == (
        "s.yaml: expected shape [samples, 64], got [1797, 8, 8] in digits-rows. "
        "Save it in that shape."
    )


def test_a_model_must_tell_all_classes_of_a_named_set_apart():
    few = Signature(inputs=ROWS.inputs, outputs=(spec("logits", "batch", 5),))

    with pytest.raises(
        SuiteError, match=r"^s\.yaml: expected labels from 0 to 4 for 'logits', got"
    ):
        named(few)


def test_a_named_set_that_is_not_here_is_a_reason(monkeypatch):
    monkeypatch.setattr(digits_rows, "find_spec", lambda _: None)

    assert named(ROWS) == (
        "data set digits-rows: scikit-learn is not installed. "
        "Install dyno with the 'accuracy' extra."
    )


def test_a_damaged_named_set_is_an_error(monkeypatch):
    def damaged():
        raise SuiteError("expected rows, got dust. Sweep.")

    monkeypatch.setattr(sys.modules[digits_rows.__name__], "load", damaged)

    with pytest.raises(SuiteError) as caught:
        named(ROWS)
    assert str(caught.value) == "s.yaml: expected rows, got dust. Sweep."
