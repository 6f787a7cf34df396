"""The comparing itself; exports compared whole are in test_torch_export.py."""

import numpy as np
import pytest

from harness.torch_parity import _distance, _other, _solved


@pytest.mark.parametrize(
    ("size", "other"), [(1, 2), (2, 4), (3, 6), (4, 2), (16, 8), (224, 112), (225, 450)]
)
def test_other_sizes_are_half_the_example_where_that_is_even_and_above_one(size, other):
    assert _other(size) == other


@pytest.mark.parametrize(
    ("dim", "size", "value"),
    [("s", 43844, 43844), ("2*s", 16, 8), ("s//2", 16, 32), ("s+1", 16, 15), ("2*s", 15, 1)],
)
def test_a_name_stands_for_what_gives_the_dimension_its_size(dim, size, value):
    assert _solved(dim, "s", size) == value


def test_outputs_within_the_tolerance_are_equal():
    expected = np.array([1.0, -100.0], np.float32)

    assert _distance(expected + np.float32(0.09), expected) == ""
    assert _distance(np.zeros(0, np.float32), np.zeros(0, np.float32)) == ""
    assert _distance(np.zeros(3, np.int64), np.zeros(3, np.int64)) == ""


def test_half_types_may_differ_more():
    expected = np.array([1.0, -100.0], np.float16)

    assert _distance(expected + np.float16(1), expected) == ""
    assert _distance(expected + np.float16(4), expected) == (
        "differs by up to 4, the module's reaching 100,"
    )


def test_the_difference_is_told_with_the_scale_of_the_output():
    expected = np.array([1.0, -100.0], np.float32)

    assert _distance(expected + np.float32(0.25), expected) == (
        "differs by up to 0.25, the module's reaching 100,"
    )


def test_nan_is_a_difference():
    expected = np.array([1.0], np.float32)

    assert _distance(np.array([np.nan], np.float32), expected) == (
        "differs by up to nan, the module's reaching 1,"
    )


def test_another_shape_is_a_difference():
    assert _distance(np.ones((2, 3)), np.ones((2, 4))) == ("has shape [2, 3], the module's [2, 4],")
