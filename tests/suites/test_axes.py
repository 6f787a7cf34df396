import pytest

from suites.axes import Words, axes_problems
from suites.vocabulary import OptionWord, Vocabulary


def problems(value, **bounds):
    kind = bounds.pop("kind", int)
    option = OptionWord(name="threads", kind=kind, backends=("cpu",), **bounds)
    words = Words(models=None, vocabulary=Vocabulary(backends=("cpu",), options=(option,)))
    return [message for _, message in axes_problems({"threads": [value]}, words)]


@pytest.mark.parametrize(
    ("bounds", "value", "message"),
    [
        ({"minimum": 1, "maximum": 2}, 99999, "a whole number from 1 to 2, got 99999."),
        ({"minimum": 1, "maximum": 2}, 0, "a whole number from 1 to 2, got 0."),
        ({"minimum": 1, "maximum": 2}, True, "a whole number from 1 to 2, got true."),
        ({"minimum": 1}, 0, "a whole number of at least 1, got 0."),
        ({"maximum": 2}, 3, "a whole number of at most 2, got 3."),
        ({}, 1.5, "a whole number, got 1.5."),
        ({"kind": float, "minimum": 0.5, "maximum": 2}, 2.1, "a number from 0.5 to 2, got 2.1."),
        ({"kind": bool}, 1, "true or false, got 1."),
    ],
)
def test_a_value_beyond_an_options_bounds_is_refused(bounds, value, message):
    assert problems(value, **bounds) == [f"expected {message}"]


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"minimum": 1, "maximum": 2}, 1),
        ({"minimum": 1, "maximum": 2}, 2),
        ({}, -(10**9)),
        ({"kind": float, "maximum": 2}, 2),
        ({"kind": bool}, False),
    ],
)
def test_the_bounds_of_an_option_are_legal_themselves(bounds, value):
    assert problems(value, **bounds) == []
