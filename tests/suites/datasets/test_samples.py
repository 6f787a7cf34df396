import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.datasets.samples import Samples, split


def samples(count, training=0, labels=True):
    return Samples(
        name="val.npz",
        inputs={"x": np.arange(count * 2).reshape(count, 2), "y": -np.arange(count)},
        labels=np.arange(count) if labels else None,
        task="classification" if labels else "",
        output="z",
        classes=("a", "b"),
        training=training,
    )


def places(part):
    return (-part.inputs["y"]).tolist()


def test_the_length_is_the_number_of_samples():
    assert len(samples(7)) == 7


def test_evenly_spaced_samples_calibrate_and_the_others_are_scored():
    calibrating, scored = split(samples(10), 2)

    assert places(calibrating) == [2, 7]
    assert places(scored) == [0, 1, 3, 4, 5, 6, 8, 9]


def test_inputs_and_labels_stay_together():
    for part in split(samples(10), 3):
        assert part.inputs["x"][:, 0].tolist() == [2 * place for place in places(part)]
        assert part.labels.tolist() == places(part)
        assert (part.task, part.output, part.classes) == ("classification", "z", ("a", "b"))


def test_samples_without_labels_are_split_alike():
    calibrating, scored = split(samples(10, labels=False), 2)

    assert (calibrating.labels, scored.labels) == (None, None)
    assert places(calibrating) == [2, 7]


def test_at_most_half_of_the_samples_calibrate():
    calibrating, scored = split(samples(5), 64)

    assert (len(calibrating), len(scored)) == (2, 3)


def test_of_a_set_that_keeps_samples_for_training_those_calibrate():
    calibrating, scored = split(samples(10, training=6), 2)

    assert places(calibrating) == [1, 4]
    assert places(scored) == [6, 7, 8, 9]
    assert (calibrating.training, scored.training) == (0, 0)


def test_all_samples_kept_for_training_may_calibrate():
    calibrating, scored = split(samples(10, training=6), 64)

    assert places(calibrating) == [0, 1, 2, 3, 4, 5]
    assert places(scored) == [6, 7, 8, 9]


@given(count=st.integers(2, 200), wanted=st.integers(1, 300))
def test_a_split_loses_no_sample_and_shares_none(count, wanted):
    calibrating, scored = split(samples(count), wanted)

    assert len(calibrating) == min(wanted, count // 2)
    assert sorted(places(calibrating) + places(scored)) == list(range(count))


def test_values_are_taken_in_the_order_asked_for():
    assert places(samples(5).take(np.array([4, 0]))) == [4, 0]


def test_samples_cannot_be_changed():
    with pytest.raises(AttributeError):
        samples(2).name = "other"
