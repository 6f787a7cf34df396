import sqlite3
from pathlib import Path

import pytest

from results.damage import check_text, lenient, of_row, reading
from results.database import DamagedError, translated


def test_a_text_that_is_not_utf_8_is_named_by_its_column():
    check_text({"name": "Zoë", "count": 3, "raw": b"\xff"})

    with pytest.raises(ValueError, match="^expected text in 'name', got bytes that are not UTF-8$"):
        check_text({"name": lenient(b"Zo\xff")})


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"id": "a"}, "run a"),
        ({"id": 7, "run_id": "a"}, "run a"),
        ({"id": "a", "position": 0}, "run a, case 0"),
        ({"id": "a", "kind": "gate", "baseline_id": "b"}, "gate a"),
        ({"gate_id": "a", "state": "done"}, "gate a"),
        ({"gate_id": "a", "case_id": "c", "position": 0}, "gate a, case c"),
        ({"id": "a", "pinned_at": 0.0}, "baseline a"),
        ({"baseline_id": "a", "case_id": "c", "position": 0}, "baseline a, case c"),
    ],
)
def test_a_row_says_of_which_run_and_case_it_is(row, where):
    assert of_row(row) == where


def test_a_row_that_cannot_be_read_is_one_line():
    with pytest.raises(DamagedError) as caught:
        reading(Path("s/dyno.db"), "run a", {}, lambda row: row["x\ny"])

    assert str(caught.value) == (
        "s/dyno.db: run a: expected a row that can be read, got KeyError: 'x\\ny'. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "Could not decode to UTF-8 column 'name' with text 'n\\xff'",
            "expected text, got bytes that are not UTF-8",
        ),
        ("malformed JSON", "expected JSON, got a text that is none"),
    ],
)
def test_damage_that_has_no_code_is_told_too(said, message):
    with pytest.raises(DamagedError) as caught, translated(Path("s/dyno.db")):
        raise sqlite3.OperationalError(said)

    assert str(caught.value) == (
        f"s/dyno.db: {message}. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )
