from itertools import product

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engines.precision.quantize.linear import (
    FP8,
    INT4,
    INT8,
    along,
    block_length,
    greatest_of_axis,
    greatest_of_blocks,
    over_blocks,
    quantize,
    scale_of,
)


def f32(*values):
    return np.array(values, np.float32)


def test_the_greatest_magnitude_becomes_the_greatest_code():
    values = f32(-2.54, 0.01, 0.03, 2.54)
    scale = scale_of(greatest_of_axis(values, None), INT8)
    assert scale == np.float32(0.02)
    assert quantize(values, scale, INT8).tolist() == [-127, 0, 2, 127]


def test_codes_are_rounded_half_to_even_as_onnx_does():
    codes = quantize(f32(0.5, 1.5, 2.5, -0.5, -1.5), f32(1), INT8)
    assert codes.tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize(
    ("grid", "lowest", "highest"), [(INT8, -127, 127), (INT4, -7, 7), (FP8, -448, 448)]
)
def test_values_beyond_the_range_saturate(grid, lowest, highest):
    codes = quantize(f32(-1e6, 1e6), f32(1), grid)
    assert codes.astype(np.float32).tolist() == [lowest, highest]


def test_fp8_codes_are_the_nearest_of_the_type():
    codes = quantize(f32(17, 19, 300), f32(1), FP8)
    assert codes.dtype == ml_dtypes.float8_e4m3fn
    assert codes.astype(np.float32).tolist() == [16, 20, 288]


def test_a_channel_of_zeros_has_codes_of_zero_and_the_others_their_own_scale():
    values = f32([0.0, 2.54], [0.0, -1.27])
    scale = along(scale_of(greatest_of_axis(values, 1), INT8), 1, 2)
    assert scale.tolist() == [[1, np.float32(0.02)]]
    assert quantize(values, scale, INT8).tolist() == [[0, 127], [0, -64]]


def test_all_zeros_have_a_scale_that_holds_them():
    assert scale_of(f32(0, 127), INT8).tolist() == [1, 1]


@pytest.mark.parametrize("greatest", [1e-45, 1e-30, 1e-5, 3.3, 1e5, 3e38])
@pytest.mark.parametrize("grid", [INT8, FP8], ids=lambda grid: grid.name)
def test_scales_for_fp16_are_numbers_of_it(grid, greatest):
    scale = scale_of(f32(greatest), grid, half=True)
    assert scale.astype(np.float16).astype(np.float32) == scale
    assert 2**-24 <= scale <= np.finfo(np.float16).max


def test_a_scale_beyond_fp16_is_its_greatest_number():
    assert scale_of(f32(3e38), INT8, half=True).tolist() == [65504]


@pytest.mark.parametrize(
    ("steps", "scale"), [(0.1, 1), (1.4, 2), (7.49, 8), (100.4, 100), (1024.5, 1024)]
)
def test_small_scales_for_fp16_are_rounded_up_where_rounding_down_would_clip(steps, scale):
    found = scale_of(f32(127 * steps * 2**-24), INT8, half=True)
    assert found.tolist() == [scale * 2**-24]


@given(
    arrays(np.float32, (3, 5), elements=st.floats(-(2.0**99), 2.0**99, width=32)),
    st.sampled_from([None, 0, 1]),
    st.sampled_from([INT8, INT4]),
)
def test_nothing_is_further_off_than_half_a_step(values, axis, grid):
    scale = scale_of(greatest_of_axis(values, axis), grid)
    wide = along(scale, axis, 2).astype(np.float64)
    back = quantize(values, along(scale, axis, 2), grid).astype(np.float64) * wide
    tiny = np.finfo(np.float32).tiny
    assert (np.abs(back - values) <= wide * 0.5001 + tiny).all()


def test_each_block_has_the_scale_of_its_own_values():
    values = np.array([[1, -2, 3, 4], [0, 0, -8, 1]], np.float32)
    greatest = greatest_of_blocks(values, 1, 2)
    assert greatest.tolist() == [[2, 4], [0, 8]]
    assert over_blocks(greatest, 1, 2).tolist() == [[2, 2, 4, 4], [0, 0, 8, 8]]
    assert greatest_of_blocks(values, 0, 2).tolist() == [[1, 2, 8, 4]]


@pytest.mark.parametrize(
    ("length", "block"), [(64, 32), (784, 28), (27, 27), (9, 9), (36, 18), (37, 37), (592, 16)]
)
def test_blocks_divide_the_axis_or_are_all_of_it(length, block):
    assert block_length(length, 32) == block


def test_a_block_is_never_shorter_than_half_of_the_longest_unless_the_axis_is():
    for length, longest in product(range(1, 200), (16, 32)):
        block = block_length(length, longest)
        assert length % block == 0
        assert block >= min(length, longest // 2)
