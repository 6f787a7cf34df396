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
        ({"minimum": 1}, True, "a whole number of at least 1, got true."),
        ({"minimum": 1}, 0, "a whole number of at least 1, got 0."),
        ({}, 1.5, "a whole number, got 1.5."),
        ({"kind": float, "minimum": 0.5}, 0.4, "a number of at least 0.5, got 0.4."),
        ({"kind": bool}, 1, "true or false, got 1."),
    ],
)
def test_a_value_beyond_an_options_bounds_is_refused(bounds, value, message):
    assert problems(value, **bounds) == [f"expected {message}"]


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"minimum": 1}, 1),
        ({"minimum": 1}, 10**9),
        ({}, -(10**9)),
        ({"kind": float, "minimum": 0.5}, 1),
        ({"kind": bool}, False),
    ],
)
def test_the_bounds_of_an_option_are_legal_themselves(bounds, value):
    assert problems(value, **bounds) == []
