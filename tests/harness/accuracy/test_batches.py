import numpy as np
import pytest

from harness.accuracy.batches import Batches
from harness.accuracy.scores import ScoreError
from suites.datasets.samples import Samples
from suites.signature import Signature, TensorSpec

VALUES = np.arange(5 * 3, dtype=np.float32).reshape(5, 3)


def batches(
    *, dims=("steps", "batch"), output=("batch", 2), shape=(3, 2), scored="y", values=VALUES
):
    samples = Samples(
        name="ours",
        inputs={"x": values},
        labels=np.zeros(len(values), np.int64),
        task="classification",
        output=scored,
    )
    signature = Signature(
        inputs=(
            TensorSpec(name="x", dtype="float32", dims=dims),
            TensorSpec(name="rate", dtype="int64", dims=()),
        ),
        outputs=(TensorSpec(name="y", dtype="float32", dims=output),),
    )
    inputs = {"x": np.zeros(shape, np.float32), "rate": np.array(7)}
    return Batches(samples=samples, signature=signature, inputs=inputs)


def test_samples_go_through_in_queries_at_the_batchs_axis_and_the_last_is_filled_up():
    asked = []

    def infer(arrays):
        asked.append(arrays)
        return {"y": np.stack([arrays["x"].sum(axis=0), arrays["x"][0]], axis=1)}

    found = batches().answers(infer)
    assert found.tolist() == [[row.sum(), row[0]] for row in VALUES]
    assert [each["x"].T.tolist() for each in asked] == [
        VALUES[:2].tolist(),
        VALUES[2:4].tolist(),
        VALUES[[4, 4]].tolist(),
    ]
    assert [each["rate"] for each in asked] == [7, 7, 7]


def test_answers_have_their_samples_first_whichever_axis_the_model_gives_them():
    def infer(arrays):
        return {"y": arrays["x"]}

    found = batches(output=("steps", "batch")).answers(infer)
    assert found.tolist() == VALUES.tolist()


def test_a_model_without_a_batch_takes_its_samples_along_the_first_axis():
    def infer(arrays):
        return {"y": arrays["x"]}

    found = batches(dims=(1, 3), output=(1, 3), shape=(1, 3)).answers(infer)
    assert found.tolist() == VALUES.tolist()


@pytest.mark.parametrize(
    ("changes", "outputs", "told"),
    [
        (
            {"shape": (4, 2)},
            {},
            (
                "data set 'ours': expected queries of [4, 2] for input 'x', as the case has them, "
                "got [3, 2]. Give the case the sizes of the data."
            ),
        ),
        (
            {"scored": "logit"},
            {"logits": np.zeros((2, 2))},
            (
                "data set 'ours': expected an output 'logit' to score, got ['logits']. "
                "Did you mean 'logits'?"
            ),
        ),
        (
            {},
            {"y": np.zeros((3, 2))},
            (
                "output 'y': expected 2 samples along axis 0, got shape [3, 2]. "
                "Name the output to score under the data set's `output`."
            ),
        ),
        (
            {"output": ("steps", "batch")},
            {"y": np.zeros(2)},
            (
                "output 'y': expected 2 samples along axis 1, got shape [2]. "
                "Name the output to score under the data set's `output`."
            ),
        ),
    ],
)
def test_samples_and_outputs_that_do_not_fit_are_named(changes, outputs, told):
    with pytest.raises(ScoreError) as error:
        batches(**changes).answers(lambda _: outputs)
    assert str(error.value) == told
