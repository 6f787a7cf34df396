import json
import re

import pytest

from results.accuracy_rows import accuracy_row, read_accuracy


@pytest.fixture
def row(make_accuracy):
    return accuracy_row(make_accuracy())


def test_a_record_comes_back_as_it_was(make_accuracy, row):
    assert read_accuracy(row) == make_accuracy()


def test_a_record_without_parity_and_task_keeps_why(make_accuracy):
    bare = make_accuracy(reference="", parity=(), task=None, skipped={"parity": "no reference"})

    assert read_accuracy(accuracy_row(bare)) == bare


def test_figures_are_json_for_other_programs(row):
    assert json.loads(row["parity"])[0]["top1"] == 0.983
    assert json.loads(row["task"])["classes"][1]["label"] == "8"


def test_nan_is_nobody_s_figure(make_accuracy, make_parity):
    with pytest.raises(ValueError, match="not JSON compliant"):
        accuracy_row(make_accuracy(parity=(make_parity(cosine=float("nan")),)))


@pytest.mark.parametrize("column", ["parity", "task"])
def test_what_is_no_finite_number_is_refused(row, column):
    damaged = row[column].replace("0.9", "-Infinity", 1).replace("Infinity9957", "Infinity")
    damaged = damaged.replace("Infinity7", "Infinity")

    with pytest.raises(ValueError, match=r"^expected finite numbers, got -Infinity$"):
        read_accuracy({**row, column: damaged})


@pytest.mark.parametrize(
    ("column", "name", "found"),
    [
        ("parity", "cosine", '"near"'),
        ("parity", "max_abs", "1e999"),
        ("task", "recall", "[]"),
        ("task", "f1", "{}"),
    ],
)
def test_a_figure_that_is_no_number_is_refused(row, column, name, found):
    damaged = re.sub(rf'"{name}":[^,}}]+', f'"{name}":{found}', row[column], count=1)

    with pytest.raises(ValueError, match="expected") as caught:
        read_accuracy({**row, column: damaged})
    assert str(caught.value) == f"expected a number in {name!r}, got {json.loads(found)!r}"
