from itertools import pairwise

import pytest

from suites.composer import DEEPEST, MOST_VALUES
from suites.document import read_yaml
from suites.errors import SuiteError

TOO_MANY = (
    "expected at most 100000 values, got more, each alias counted as what it repeats. "
    "Nest fewer aliases."
)
TOO_DEEP = "expected at most 12 levels, got values nested deeper."
ITSELF = "expected a suite, got a value that contains itself."


def error(text):
    with pytest.raises(SuiteError) as caught:
        read_yaml(text.encode(), "a.yaml")
    return str(caught.value)


def chain(first, repeat, letters="abcdefgh"):
    """Return lines of which each repeats the one before."""
    lines = [f"a: &a {first}"]
    for name, after in pairwise(letters):
        lines.append(f"{after}: &{after} {repeat.replace('@', f'*{name}')}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (chain("[1, 1, 1, 1, 1, 1, 1, 1, 1]", "[@, @, @, @, @, @, @, @, @]"), TOO_MANY),
        (chain("{k: 1, l: 1, m: 1}", f"{{<<: [{', '.join('@' * 60)}]}}", "abcd"), TOO_MANY),
        (chain("[1]", "[@]", "abcdefghijklmn"), TOO_DEEP),
        ("a: " + "[" * 100_000, TOO_DEEP),
        ("a: " + "{a: " * 5000, TOO_DEEP),
        ("\n".join(" " * level + "a:" for level in range(500)), TOO_DEEP),
        ("a: &x {b: *x}", ITSELF),
        ("a: &x {<<: *x}", ITSELF),
        ("a: &x [1, *x]", ITSELF),
    ],
    ids=["lists", "merges", "aliases", "open", "maps", "blocks", "map", "merge", "list"],
)
def test_what_would_be_enormous_is_refused_while_it_is_read(text, message):
    where, _, rest = error(text).partition(", column ")

    assert where.startswith("a.yaml: line ")
    assert rest.partition(": ")[2] == message


def test_the_place_of_the_alias_that_is_too_much_is_told():
    text = chain("[1, 1, 1, 1, 1, 1, 1, 1, 1]", "[@, @, @, @, @, @, @, @, @]")

    assert error(text) == f"a.yaml: line 6, column 4: {TOO_MANY}"
    assert error("a: &x {b: *x}") == f"a.yaml: line 1, column 11: {ITSELF}"


def test_the_deepest_document_is_read_and_one_level_more_is_not():
    inner = DEEPEST - 2

    assert read_yaml(f"a: {'[' * inner}1{']' * inner}".encode(), "a.yaml")
    assert error(f"a: {'[' * inner}[1]{']' * inner}") == f"a.yaml: line 1, column 15: {TOO_DEEP}"


def test_the_largest_document_is_read_and_one_value_more_is_not():
    once, times = 100, 980
    rest = MOST_VALUES - times * (once + 1) - len(["root", "a", "b", "list b", "c", "list c"])
    text = (
        f"a: &a [{', '.join('1' * once)}]\nb: [{', '.join(['*a'] * (times - 1))}]\n"
        f"c: [{', '.join('1' * rest)}@]\n"
    )

    assert len(read_yaml(text.replace("@", "").encode(), "a.yaml")["c"]) == rest
    assert error(text.replace("@", ", 1")) == f"a.yaml: line 1, column 1: {TOO_MANY}"


def test_aliases_and_reused_anchors_are_read():
    text = b"a: &x [1]\nb: *x\nc: &x {k: 2}\nd: {<<: *x, l: 3}"

    assert read_yaml(text, "a.yaml") == {
        "a": [1],
        "b": [1],
        "c": {"k": 2},
        "d": {"k": 2, "l": 3},
    }
