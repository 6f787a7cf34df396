import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.accuracy.sequences import distance, sequence_metrics


def symbols(text):
    return np.array([ord(letter) for letter in text], np.int64)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("same", "same", 0),
        ("ab", "ba", 2),
        ("intention", "execution", 5),
    ],
)
def test_the_distance_is_that_of_the_textbook(left, right, expected):
    assert distance(symbols(left), symbols(right)) == expected


def slow_distance(left, right):
    if not left or not right:
        return len(left) + len(right)
    return min(
        slow_distance(left[1:], right) + 1,
        slow_distance(left, right[1:]) + 1,
        slow_distance(left[1:], right[1:]) + (left[0] != right[0]),
    )


short = st.text("abc", max_size=5)


@given(short, short)
def test_the_distance_is_that_of_its_definition(left, right):
    assert distance(symbols(left), symbols(right)) == slow_distance(left, right)


def test_errors_are_counted_over_all_that_was_expected():
    expected = [symbols("abcd"), symbols("xy"), symbols("")]
    found = [symbols("abcd"), symbols("xz"), symbols("q")]
    assert sequence_metrics(expected, found) == {"exact_match": 1 / 3, "cer": 2 / 6}
