import numpy as np
import pytest

from suites.datasets.labels import class_count
from suites.signature import Signature, TensorSpec

CLASSES = {"labels": "y", "task": "classification"}
SEQUENCE = {"labels": "y", "task": "sequence"}
OUT = "Replace it, or leave the sample out."


def output(*dims):
    x = TensorSpec(name="x", dtype="float32", dims=("batch", 2, 2))
    return Signature(inputs=(x,), outputs=(TensorSpec(name="logits", dtype="float32", dims=dims),))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(5), "expected whole numbers, got float64 in 'y'. Save them as int64."),
        (np.zeros(5, bool), "expected whole numbers, got bool in 'y'. Save them as int64."),
        (
            np.zeros((5, 1), int),
            (
                "expected shape [samples] for a classification, got [5, 1] in 'y'. "
                "Save them in that shape."
            ),
        ),
        (
            np.zeros(4, int),
            "expected labels of 5 samples, as the inputs have, got 4 in 'y'. Save as many.",
        ),
        (
            np.array([0, 1, -1, 2, 3]),
            f"expected labels from 0 to 2 for 'logits', got -1 in sample 2 of 'y'. {OUT}",
        ),
        (
            np.array([0, 1, 2, 3, 9]),
            f"expected labels from 0 to 2 for 'logits', got 3 in sample 3 of 'y'. {OUT}",
        ),
    ],
)
def test_wrong_labels_of_a_classification_are_refused(data, images, labels, message):
    data.save(images=images, y=labels)

    assert data.error(**CLASSES) == f".labels: {message}"


def test_one_column_tells_two_classes_apart(data, images):
    data.save(images=images, y=np.array([0, 1, 0, 1, 2]))

    assert data.error(output("batch", 1), **CLASSES) == (
        f".labels: expected labels from 0 to 1 for 'logits', got 2 in sample 4 of 'y'. {OUT}"
    )


def test_an_output_without_a_known_size_allows_any_label(data, images):
    signature = output("batch", "classes")
    data.save(images=images, y=np.array([0, 1, 2, 3, 10**9]))

    assert data.load(signature, **CLASSES).labels[-1] == 10**9
    data.save(images=images, y=np.array([0, -2, 0, 0, 0]))
    assert data.error(signature, **CLASSES) == (
        f".labels: expected labels from 0, got -2 in sample 1 of 'y'. {OUT}"
    )


def test_sequences_are_ended_by_padding(data, images):
    labels = np.array([[1, 2, -1], [0, -1, -1], [2, 2, 2], [-1, -1, -1], [1, 0, -1]])
    data.save(images=images, y=labels)

    assert data.load(output("batch", "sequence", 3), **SEQUENCE).labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            [1, -2, -1],
            (
                "expected labels from 0 to 2 for 'logits', or -1 after the end of a sequence, "
                f"got -2 in sample 4 of 'y'. {OUT}"
            ),
        ),
        (
            [1, 3, -1],
            (
                "expected labels from 0 to 2 for 'logits', or -1 after the end of a sequence, "
                f"got 3 in sample 4 of 'y'. {OUT}"
            ),
        ),
        (
            [1, -1, 2],
            f"expected -1 only after the end of a sequence, got -1 in sample 4 of 'y'. {OUT}",
        ),
    ],
)
def test_wrong_sequences_are_refused(data, images, row, message):
    data.save(images=images, y=np.array([[0, 1, 2]] * 4 + [row]))

    assert data.error(output("batch", "sequence", 3), **SEQUENCE) == f".labels: {message}"


def test_labels_of_sequences_have_two_axes(data, images):
    data.save(images=images, y=np.zeros(5, int))

    assert data.error(output("batch", "sequence", 3), **SEQUENCE) == (
        ".labels: expected shape [samples, longest] for a sequence, got [5] in 'y'. "
        "Save them in that shape."
    )


@pytest.mark.parametrize(
    ("dtype", "dims", "task", "count"),
    [
        ("float32", ("batch", 10), "classification", 10),
        ("bfloat16", ("batch", 10), "classification", 10),
        ("float32", ("batch", 1), "classification", 2),
        ("float32", ("batch", None), "classification", None),
        ("float32", (4,), "classification", None),
        ("float32", ("batch", "sequence", 30), "sequence", 30),
        ("float32", ("batch", 20), "sequence", None),
        ("int64", ("batch", 1), "classification", None),
        ("int64", ("batch", "sequence", 30), "sequence", None),
    ],
)
def test_the_last_axis_of_logits_counts_the_classes(dtype, dims, task, count):
    assert class_count(TensorSpec(name="y", dtype=dtype, dims=dims), task) == count
