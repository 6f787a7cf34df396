import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from harness.accuracy import parity as module
from harness.accuracy.parity import LEAST_MAGNITUDE, ParityError, parity
from results.accuracy import OutputParity

NAN, INF = math.nan, math.inf


def compare(expected, found, dtype=np.float32):
    [result] = parity({"y": np.asarray(expected, dtype)}, {"y": np.asarray(found, dtype)})
    return result


def test_every_figure_is_the_one_found_by_hand():
    found = compare([[3.0, 4.0], [0.0, 1.0]], [[3.0, 4.5], [0.5, 0.0]])
    # apart by 0, .5, .5, 1; squares: reference 26, found 29.5, product 27, apart 1.5
    assert found == OutputParity(
        output="y",
        values=4,
        max_abs=1.0,
        max_rel=0.25,
        cosine=pytest.approx(27 / math.sqrt(26 * 29.5), abs=1e-15),
        snr_db=pytest.approx(10 * math.log10(26 / 1.5), abs=1e-12),
        top1=0.5,
        nan=0,
        inf=0,
    )


def test_opposite_values_have_cosine_minus_one_and_a_noise_of_four_times_their_power():
    found = compare([1.0, -2.0], [-1.0, 2.0])
    assert (found.cosine, found.max_abs, found.max_rel) == (pytest.approx(-1, abs=1e-15), 4.0, 2.0)
    assert found.snr_db == pytest.approx(-10 * math.log10(4), abs=1e-12)


floats = arrays(
    np.float64,
    array_shapes(max_dims=3, max_side=5),
    elements=st.floats(-1e300, 1e300, allow_nan=False) | st.just(NAN) | st.just(INF),
)


@given(floats)
def test_an_output_agrees_with_itself(array):
    found = compare(array, array, np.float64)
    if np.isfinite(array).any():
        assert (found.max_abs, found.max_rel, found.cosine, found.snr_db) == (0.0, 0.0, 1.0, None)
    else:
        assert (found.max_abs, found.max_rel, found.cosine, found.snr_db) == (None,) * 4
    assert found.top1 in (None, 1.0)
    assert (found.nan, found.inf, found.values) == (0, 0, array.size)


pairs = st.integers(1, 6).flatmap(
    lambda size: st.tuples(
        *[arrays(np.float64, (2, size), elements=st.integers(-1000, 1000))] * 2,
    )
)


@given(pairs, st.sampled_from([2.0**-60, 0.5, 2.0**40]))
def test_a_common_factor_changes_the_greatest_difference_only(pair, factor):
    expected, found = pair
    before = compare(expected, found, np.float64)
    after = compare(expected * factor, found * factor, np.float64)
    assert after.max_abs == before.max_abs * factor
    assert (after.cosine, after.top1) == (before.cosine, before.top1)
    if expected.any():
        assert after.max_rel == before.max_rel
        assert after.snr_db == pytest.approx(before.snr_db, abs=1e-9)


@settings(max_examples=30)
@given(pairs)
def test_the_figures_do_not_depend_on_the_chunks(pair):
    whole = compare(*pair, np.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_VALUES", 3)
        in_chunks = compare(*pair, np.float64)
    assert (in_chunks.max_abs, in_chunks.top1) == (whole.max_abs, whole.top1)
    assert in_chunks.cosine == pytest.approx(whole.cosine, abs=1e-12)
    assert in_chunks.snr_db == pytest.approx(whole.snr_db, abs=1e-9)


def test_only_values_that_are_finite_in_both_are_compared_and_the_others_are_counted():
    found = compare([1.0, NAN, INF, -INF, 2.0, 3.0], [1.0, NAN, INF, INF, NAN, INF])
    assert (found.max_abs, found.cosine, found.snr_db) == (0.0, 1.0, None)
    assert (found.nan, found.inf) == (1, 2)


def test_nothing_is_told_of_an_output_without_a_finite_value():
    found = compare([NAN, INF], [0.0, 1.0])
    assert (found.max_abs, found.max_rel, found.cosine, found.snr_db) == (None,) * 4
    assert (found.nan, found.inf) == (0, 0)


def test_an_empty_output_has_no_figures():
    found = compare(np.zeros((0, 3)), np.zeros((0, 3)))
    assert found == OutputParity(
        output="y",
        values=0,
        max_abs=None,
        max_rel=None,
        cosine=None,
        snr_db=None,
        top1=None,
        nan=0,
        inf=0,
    )


def test_a_scalar_is_one_value():
    found = compare(2.0, 1.0)
    assert (found.values, found.max_abs, found.max_rel, found.cosine) == (1, 1.0, 0.5, 1.0)
    assert found.top1 is None


@pytest.mark.parametrize(("expected", "found"), [([0.0, 0.0], [3.0, 4.0]), ([3, 4], [0, 0])])
def test_a_side_that_is_all_zeros_has_no_angle_and_nothing_becomes_infinite(expected, found):
    result = compare(expected, found)
    assert result.cosine == 0.0
    assert math.isfinite(result.max_rel)
    assert math.isfinite(result.snr_db)


def test_an_all_zero_reference_counts_as_the_least_normal_number():
    assert compare([0.0], [1.0]).max_rel == 1 / LEAST_MAGNITUDE


def test_values_whose_squares_overflow_are_compared_all_the_same():
    found = compare([1e300, 1e300], [1e300, 0.0], np.float64)
    assert found.cosine == pytest.approx(math.sqrt(0.5))
    assert found.snr_db == pytest.approx(10 * math.log10(2))


def test_a_difference_that_overflows_is_the_greatest_number():
    largest = float(np.finfo(np.float64).max)
    assert compare([largest], [-largest], np.float64).max_abs == largest


def test_rounding_makes_no_cosine_above_one():
    assert compare([-6.0, 5.0, 2.0], [-48.0, 40.0, 16.0]).cosine == 1.0


@pytest.mark.parametrize(
    "dtype",
    [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8, np.int64, ml_dtypes.int4],
)
def test_every_type_of_numbers_is_compared_in_float64(dtype):
    found = compare([[1, 2], [4, 0]], [[1, 2], [2, 4]], dtype)
    assert (found.max_abs, found.max_rel, found.top1) == (4.0, 1.0, 0.5)
    assert found.cosine == pytest.approx(13 / math.sqrt(21 * 25))


def test_booleans_are_zeros_and_ones():
    found = compare([True, False, True, True], [True, True, True, False], bool)
    assert (found.max_abs, found.cosine) == (1.0, pytest.approx(2 / 3))


def test_the_types_may_differ():
    expected = np.array([[0.1, 0.9]], np.float32)
    [found] = parity({"y": expected}, {"y": expected.astype(np.float16)})
    assert 0 < found.max_abs < 1e-3


@pytest.mark.parametrize(
    ("expected", "found", "top1"),
    [
        ([[1, 1, 0]], [[2, 1, 0]], 1.0),  # of equal entries the first one counts
        ([[[1, 2], [3, 1]], [[0, 5], [5, 0]]], [[[1, 2], [1, 3]], [[0, 5], [5, 0]]], 0.75),
        ([[1], [2]], [[2], [1]], None),
        ([1, 2, 3], [3, 2, 1], None),
    ],
)
def test_top1_is_the_share_of_rows_with_the_same_greatest_entry(expected, found, top1):
    assert compare(expected, found).top1 == top1


def test_outputs_are_told_in_the_order_of_the_reference():
    one = np.ones(2, np.float32)
    found = parity({"b": one, "a": one}, {"a": one, "b": one, "more": one})
    assert [each.output for each in found] == ["b", "a"]


ONE = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            {"y": ONE[:1]},
            "output 'y': expected shape [2, 3], as the reference has it, got [1, 3]",
        ),
        ({"z": ONE}, "output 'y': expected one of ['z'], as the case has them"),
        ({"y": ONE.astype(np.complex64)}, "output 'y': expected real numbers, got complex64"),
        ({"y": ONE.astype("U3")}, "output 'y': expected real numbers, got <U3"),
    ],
)
def test_what_cannot_be_compared_is_named(found, told):
    with pytest.raises(ParityError) as error:
        parity({"y": ONE}, found)
    assert str(error.value) == told
