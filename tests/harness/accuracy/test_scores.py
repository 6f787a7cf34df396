import sys

import ml_dtypes
import numpy as np
import pytest

from harness.accuracy.scores import ScoreError, scores
from results.accuracy import ClassScore
from suites.datasets.samples import Samples


def samples(labels, task="classification", classes=()):
    labels = None if labels is None else np.array(labels, np.int64)
    return Samples(
        name="ours",
        inputs={"x": np.zeros((6, 2), np.float32)},
        labels=labels,
        task=task,
        output="y",
        classes=classes,
    )


LABELS = [0, 0, 0, 1, 1, 2]
FOUND = [0, 0, 1, 1, 2, 2]
LOGITS = np.eye(4, dtype=np.float32)[FOUND]


@pytest.fixture
def sklearn():
    return pytest.importorskip("sklearn")


@pytest.mark.usefixtures("sklearn")
def test_a_classification_has_the_scores_found_by_hand():
    found = scores(samples(LABELS, classes=("zero", "one")), LOGITS)
    assert (found.dataset, found.task, found.samples) == ("ours", "classification", 6)
    assert found.metrics == pytest.approx(
        {
            "accuracy": 4 / 6,
            "precision": (1 + 1 / 2 + 1 / 2) / 3,
            "recall": (2 / 3 + 1 / 2 + 1) / 3,
            "f1": (0.8 + 0.5 + 2 / 3) / 3,
        }
    )
    assert found.classes == (
        ClassScore(label="zero", precision=1.0, recall=pytest.approx(2 / 3), f1=0.8, support=3),
        ClassScore(label="one", precision=0.5, recall=0.5, f1=0.5, support=2),
        ClassScore(label="2", precision=0.5, recall=1.0, f1=pytest.approx(2 / 3), support=1),
    )
    assert found.reference == {}


@pytest.mark.usefixtures("sklearn")
@pytest.mark.parametrize(
    "answers",
    [
        LOGITS[:, None, :],
        LOGITS[:, :, None, None],
        LOGITS.astype(ml_dtypes.bfloat16),
        np.array(FOUND),
        np.array(FOUND)[:, None],
    ],
    ids=["a middle axis", "trailing axes", "bfloat16", "classes", "a column of classes"],
)
def test_answers_of_any_form_score_the_same(answers):
    assert scores(samples(LABELS), answers).metrics["accuracy"] == 4 / 6


@pytest.mark.usefixtures("sklearn")
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_single_column_of_logits_is_class_1_above_0(dtype):
    answers = np.array([[-1.0], [0.0], [0.1], [5.0], [-2.0], [2.0]]).astype(dtype)
    found = scores(samples([0, 0, 1, 1, 1, 0]), answers)
    assert found.metrics["accuracy"] == 4 / 6
    assert [each.support for each in found.classes] == [3, 3]


@pytest.mark.usefixtures("sklearn")
def test_a_class_that_is_never_right_scores_0_without_a_warning():
    found = scores(samples([0] * 5 + [1]), np.eye(3, dtype=np.float32)[[0] * 5 + [2]])
    assert [(each.label, each.precision, each.recall, each.f1) for each in found.classes] == [
        ("0", 1.0, 1.0, 1.0),
        ("1", 0.0, 0.0, 0.0),
        ("2", 0.0, 0.0, 0.0),
    ]
    assert found.metrics["f1"] == pytest.approx(1 / 3)


SEQUENCES = [[1, 2, 3], [1, 2, -1], [4, -1, -1]]
STEPS = [[1, 2, 3], [1, 3, 3], [4, 0, 0]]


@pytest.mark.parametrize("answers", [np.array(STEPS), np.eye(5, dtype=np.float16)[STEPS]])
def test_each_step_answers_its_label_and_none_beyond_the_end_is_asked(answers):
    found = scores(samples(SEQUENCES, "sequence"), answers)
    assert found.metrics == {"exact_match": 2 / 3, "cer": 1 / 6}
    assert found.classes == ()


def nan_logits():
    logits = LOGITS.copy()
    logits[1, 2] = np.nan
    return logits


@pytest.mark.parametrize(
    ("given", "answers", "told"),
    [
        (samples(None), LOGITS, "data set 'ours' has no labels. Give it some, or no task."),
        (
            samples(LABELS[:5]),
            LOGITS,
            (
                "data set 'ours': expected as many answers as labels, 5 (1 at least), got 6. "
                "Give each sample a label."
            ),
        ),
        (
            samples([]),
            LOGITS[:0],
            (
                "data set 'ours': expected as many answers as labels, 0 (1 at least), got 0. "
                "Give each sample a label."
            ),
        ),
        (
            samples([0, 1, 2, 3, 4, 0]),
            LOGITS,
            (
                "data set 'ours': expected labels from 0 to 3, as output 'y' has them, got 4. "
                "Number the labels as the model does, or name another output."
            ),
        ),
        (
            samples([0, 1, 2, 3, -2, 0]),
            np.array(FOUND),
            (
                "data set 'ours': expected labels from 0 on, got -2. "
                "Number the labels as the model does, or name another output."
            ),
        ),
        (
            samples(LABELS),
            np.zeros((6, 2, 3)),
            (
                "output 'y': expected logits [samples, classes], got [6, 2, 3]. "
                "Name the output to score under the data set's `output`."
            ),
        ),
        (samples(LABELS), nan_logits(), "output 'y': NaN in 1 of 24 answers"),
        (
            samples(SEQUENCES, "sequence"),
            np.eye(5)[STEPS][:, :2],
            (
                "output 'y': expected a step for each of 3 symbols, got 2. "
                "Run the case with a longer sequence."
            ),
        ),
        (
            samples(SEQUENCES, "sequence"),
            np.eye(4)[:3],
            (
                "output 'y': expected logits [samples, steps, symbols], got [3, 4]. "
                "Name the output to score under the data set's `output`."
            ),
        ),
        (
            samples(SEQUENCES, "sequence"),
            np.zeros((3, 3, 4)),
            (
                "data set 'ours': expected labels from 0 to 3, as output 'y' has them, got 4. "
                "Number the labels as the model does, or name another output."
            ),
        ),
        (
            samples([[-1, -1]], "sequence"),
            np.zeros((1, 2, 4)),
            (
                "data set 'ours': expected labels with symbols, got padding only. "
                "Give the labels that belong to the samples."
            ),
        ),
    ],
)
def test_what_cannot_be_scored_is_named_with_its_remedy(given, answers, told):
    with pytest.raises(ScoreError) as error:
        scores(given, answers)
    assert str(error.value) == told


def test_without_scikit_learn_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ScoreError) as error:
        scores(samples(LABELS), LOGITS)
    told = "scikit-learn is not installed. Install dyno with the 'accuracy' extra."
    assert str(error.value) == told
    sequence = scores(samples(SEQUENCES, "sequence"), np.array(STEPS))
    assert sequence.metrics["cer"] == 1 / 6
