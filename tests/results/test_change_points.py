import numpy as np
import pytest

from results.change_points import change_points

NOISE = np.tile([0.001, -0.001, 0.0, 0.002, -0.002], 12)


def found(values, se=0.002):
    return [point.first for point in change_points(np.asarray(values), np.full(len(values), se))]


def test_a_step_is_told_with_the_medians_of_both_sides():
    values = NOISE + np.where(np.arange(60) >= 40, 0.03, 0.0)
    (point,) = change_points(values, np.full(60, 0.002))

    assert point.first == 40
    assert point.before == 0.0
    assert point.after == pytest.approx(0.03)


def test_noise_has_no_step():
    assert found(NOISE) == []


@pytest.mark.parametrize(("size", "count"), [(0.014, 0), (0.016, 1), (-0.016, 1)])
def test_a_change_below_one_and_a_half_per_cent_is_none(size, count):
    assert len(found(np.where(np.arange(60) >= 30, size, 0.0))) == count


def test_a_short_excursion_has_two_steps():
    inside = (np.arange(60) >= 30) & (np.arange(60) < 33)

    assert found(NOISE + np.where(inside, 0.03, 0.0)) == [30, 33]


def test_a_night_far_out_is_no_step():
    values = NOISE.copy()
    values[20] = 0.3

    assert found(values) == []


def test_a_step_within_great_noise_is_none():
    assert found(30 * NOISE + np.where(np.arange(60) >= 40, 0.03, 0.0)) == []


def test_steps_come_in_order():
    levels = np.repeat([0.0, 0.05, 0.02, 0.09], 15)

    assert found(NOISE + levels) == [15, 30, 45]


def test_a_step_needs_three_nights_on_each_side():
    assert found([0.0] * 3 + [0.05] * 3) == [3]
    assert found([0.0] * 2 + [0.05] * 3) == []
    assert found([0.0]) == []


def test_nights_that_are_noisy_themselves_make_no_step():
    values, se = NOISE.copy(), np.full(60, 0.002)
    values[30:33], se[30:32] = 0.03, 0.02

    assert found(values) == [30, 33]
    assert found(values, se) == []
