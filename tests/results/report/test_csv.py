import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

from results.report.csv import lines

GOLDEN = Path(__file__).parent / "data" / "report.csv"


def render(run, summaries):
    return "".join(lines(run, [(c, summaries.get(c.record.position)) for c in run.cases]))


def test_a_row_a_case_with_units_in_the_names(run, summaries):
    assert render(run, summaries) == GOLDEN.read_text(encoding="utf-8")


def test_foreign_text_stays_on_its_line(run, summaries):
    rows = list(csv.DictReader(StringIO(render(run, summaries))))

    assert len(rows) == len(render(run, summaries).splitlines()) - 1 == 7
    assert rows[5]["message"] == (
        "the runtime died of \\x1b[31mSIGSEGV\\x1b[0m while opening the engine"
    )
    assert (rows[5]["p50_ns"], rows[0]["p50_ns"]) == ("", "80300.0")
    assert rows[0]["option_spinning"] == "false"


def test_a_row_is_told_before_the_next_one_is_read(run, summaries):
    pairs = iter([(case, summaries.get(case.record.position)) for case in run.cases])

    first = next(lines(run, pairs))

    assert [line.split(",")[1] for line in first.splitlines()] == ["position", "0"]
    assert next(pairs)[0] is run.cases[1]


def test_a_run_without_cases_is_empty(run):
    assert render(replace(run, cases=()), {}) == ""
