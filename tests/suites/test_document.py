import pytest

from suites.document import read_yaml, write_json
from suites.errors import SuiteError


def test_yaml_is_version_1_2():
    text = b"{on: 1, off: no, y: yes, n: 012, t: 1:30, p: 2%, o: 0o17, b: true}"

    assert read_yaml(text, "a.yaml") == {
        "on": 1,
        "off": "no",
        "y": "yes",
        "n": 12,
        "t": "1:30",
        "p": "2%",
        "o": 15,
        "b": True,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a: 1\nb: 2\na: 3\n",
            (
                "a.yaml: line 3, column 1: expected each key once, got 'a' again. "
                "Rename or remove one of them."
            ),
        ),
        (
            b"m: {x: 1, x: 2}",
            (
                "a.yaml: line 1, column 11: expected each key once, got 'x' again. "
                "Rename or remove one of them."
            ),
        ),
        (
            b"a: b: c",
            "a.yaml: line 1, column 5: expected YAML, got: mapping values are not allowed here.",
        ),
        (
            b"a: !!python/name:os.system 1",
            (
                "a.yaml: line 1, column 4: expected YAML, got: could not determine a "
                "constructor for the tag 'tag:yaml.org,2002:python/name:os.system'."
            ),
        ),
        (
            b"a: 1\n---\nb: 2\n",
            "a.yaml: line 2, column 1: expected YAML, got: found another document.",
        ),
        (
            b"a: !!bool maybe",
            ("a.yaml: expected YAML of a suite, got a value that its type does not have: 'maybe'."),
        ),
        (
            b"a: 2024-13-01",
            (
                "a.yaml: expected YAML of a suite, got a value that its type does not have: "
                "month must be in 1..12."
            ),
        ),
        (
            b"a: \xff",
            "a.yaml: expected UTF-8 text, got byte 0xff at offset 3. Save the file as UTF-8.",
        ),
        (
            b"a: \x00",
            (
                "a.yaml: expected YAML, got unacceptable character #x0000: special characters are "
                "not allowed."
            ),
        ),
    ],
)
def test_what_is_no_yaml_is_an_error_with_its_place(data, message):
    with pytest.raises(SuiteError) as caught:
        read_yaml(data, "a.yaml")
    assert str(caught.value) == message


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert read_yaml(b"\xef\xbb\xbfa: 1", "a.yaml") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "a: [1, .nan, -.inf]",
            [
                "a.yaml: a[1]: expected a finite number, got nan.",
                "a.yaml: a[2]: expected a finite number, got -inf.",
            ],
        ),
        ("m: {null: 1}", ["a.yaml: m: expected text as a key, got null. Quote it."]),
        ("m: {true: 1}", ["a.yaml: m: expected text as a key, got true. Quote it."]),
        ("7: 1", ["a.yaml: expected text as a key, got 7. Quote it."]),
        ("d: 2024-01-01", ["a.yaml: d: expected text, got a date. Quote it to make it text."]),
        ("s: !!set {x}", ["a.yaml: s: expected text, got a set. Quote it to make it text."]),
    ],
)
def test_what_json_has_not_is_an_error(text, lines):
    with pytest.raises(SuiteError) as caught:
        write_json(read_yaml(text.encode(), "a.yaml"), "a.yaml")
    assert str(caught.value).split("\n") == lines
