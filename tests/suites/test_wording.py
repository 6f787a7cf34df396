import pytest

from suites.wording import spell_found, spell_place, spell_words


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (("matrix", "precision", 1), "matrix.precision[1]"),
        (("models", "m", "inputs", "x:0"), "models.m.inputs['x:0']"),
        (("models", "a b", "dims", "it's"), "models['a b'].dims[\"it's\"]"),
        (("a/b",), "['a/b']"),
        ((), ""),
    ],
)
def test_places_quote_keys_that_are_no_plain_words(place, text):
    assert spell_place(place) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        ("a", "'a'"),
        (2.5, "2.5"),
        ([], "an empty list"),
        ([1], "a list"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
    ],
)
def test_values_are_spelt_as_the_file_has_them(value, text):
    assert spell_found(value) == text


def test_long_lists_are_cut():
    assert spell_words(range(17)) == ", ".join(map(str, range(16))) + ", …"
    assert spell_words(["a", True]) == "a, true"
