import numpy as np
import pytest

from engines.precision.half.half import BF16, FP16


def floats(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize("half", [FP16, BF16])
def test_the_limits_are_those_of_the_type(half):
    beyond = np.nextafter(np.float32(half.largest), np.float32(np.inf))
    assert floats(half.largest).astype(half.dtype) == half.largest
    assert floats(half.smallest).astype(half.dtype) == half.smallest
    assert floats(half.smallest / 2).astype(half.dtype) == 0
    assert half.is_out_of_range(float(beyond))
    assert half.is_out_of_range(half.smallest / 4)


@pytest.mark.parametrize("value", [0.0, 1.0, -65504.0, 2**-24, np.inf, -np.inf, np.nan])
def test_numbers_of_the_type_and_those_without_a_size_are_in_range(value):
    assert not FP16.is_out_of_range(value)


def test_halves_go_to_even():
    between = floats(1 + 2**-11, 1 + 3 * 2**-11)
    assert FP16.rounded(between).tolist() == [1, 1 + 2**-9]


def test_one_element_stays_finite_and_apart_from_zero():
    assert FP16.rounded(floats(1e9)).tolist() == [65504]
    assert FP16.rounded(floats(-1e-12)).tolist() == [-(2**-24)]
    assert FP16.rounded(floats(-np.inf)).tolist() == [-np.inf]
    assert BF16.rounded(np.array(np.finfo(np.float32).max)) == BF16.largest


def test_small_weights_become_zero():
    assert FP16.rounded(floats(1e-12, 1)).tolist() == [0, 1]


def test_weights_that_would_turn_infinite_do_not_fit():
    assert FP16.misfit(floats(1, -70000), is_scale=False) == "it reaches 70000, fp16 65504"
    assert BF16.misfit(floats(1, -70000), is_scale=False) is None
    assert FP16.misfit(floats(1, np.inf), is_scale=False) is None
    assert FP16.misfit(floats(), is_scale=False) is None


def test_scales_may_move_by_one_part_in_256():
    assert FP16.misfit(floats(1, 2**-17), is_scale=True) is None
    assert FP16.misfit(floats(1, 129.4 * 2**-24), is_scale=True) is None
    assert FP16.misfit(floats(0.5, 2.4 * 2**-24), is_scale=True) == (
        "it has 1.43051e-07, fp16 1.19209e-07"
    )
    assert FP16.misfit(floats(1e-9), is_scale=True) == "it has 1e-09, fp16 0"
    assert FP16.misfit(floats(1e9), is_scale=True) == "it has 1e+09, fp16 inf"
