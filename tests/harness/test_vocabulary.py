import pytest

from engines import registry
from engines.contract import Option
from harness.vocabulary import installed_vocabulary
from suites.vocabulary import OptionWord


@pytest.fixture
def word(monkeypatch):
    """Return the word of an option that backends `a`, `b`, … take, one with each given Option."""

    def made(*options):
        backends = {name: [option] for name, option in zip("abc", options, strict=False)}
        monkeypatch.setattr(registry, "names", lambda: tuple(backends))
        kinds = {name: type("Some", (), {"options": given}) for name, given in backends.items()}
        monkeypatch.setattr(registry, "get", kinds.__getitem__)
        [found] = installed_vocabulary().options
        return found

    return made


def option(default=1, **limits):
    return Option(name="threads", default=default, help="", **limits)


def test_an_option_of_several_backends_has_the_widest_bound(word):
    assert word(option(minimum=1), option(minimum=0), option(minimum=4)) == OptionWord(
        name="threads", kind=int, backends=("a", "b", "c"), minimum=0
    )


def test_one_backend_without_a_bound_leaves_none(word):
    assert word(option(minimum=1), option()).minimum is None


def test_the_choices_of_all_backends_are_legal(word):
    found = word(option("x", choices=("x", "y")), option("y", choices=("y", "z")))
    assert found.choices == ("x", "y", "z")


def test_one_backend_without_a_list_leaves_none(word):
    assert word(option("x", choices=("x", "y")), option("z")).choices == ()


@pytest.mark.parametrize("defaults", [(1, 0.5), (0.5, 1)])
def test_numbers_are_legal_where_one_backend_takes_them(word, defaults):
    assert word(*map(option, defaults)).kind is float
