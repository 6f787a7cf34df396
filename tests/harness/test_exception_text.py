import pytest

from harness.exception_text import exception_text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("hidden"), "KeyError: 'hidden'"),
        (AssertionError(), "AssertionError"),
        (ValueError("two\nlines."), "ValueError: two lines"),
        (ValueError("\x1b[31mred\x07"), "ValueError: \\x1b[31mred\\x07"),
        (ValueError("a" * 300), f"ValueError: {'a' * 300}"),
        (ValueError("a" * 301), f"ValueError: {'a' * 300}…"),
    ],
)
def test_an_exception_is_one_line_that_a_terminal_can_show(error, text):
    assert exception_text(error) == text


def test_an_exception_that_cannot_say_itself_is_called_by_its_kind():
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("x")

    assert exception_text(MuteError()) == "MuteError"
