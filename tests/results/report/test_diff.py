"""The goldens are in `data/`; a change of one is a change of what users see."""

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from results.diff import StoredRun, diff
from results.report.diff import WHY, content, csv_lines, json_text
from results.report.markdown import parts
from results.report.terminal import Report

DATA = Path(__file__).parent / "data"
MACHINES = ("AMD EPYC 7B13, onnxruntime 1.30.0", "AMD EPYC 7B13, onnxruntime 1.31.1")


@pytest.fixture
def found(run, summaries, gpu_summaries):
    """B has one case less, one that failed here is measured, one moved and ran on streams."""
    later = replace(run.record, id="20260103-030405-2b4c", name="smoke", started_at=1_767_409_445.0)
    records = [
        replace(case.record, options={"threads": 2, "spinning": False}) for case in run.cases
    ]
    cases = [replace(c, record=r) for c, r in zip(run.cases, records, strict=True)]
    cases[5] = replace(cases[5], outcome=run.cases[0].outcome)
    other = replace(run, record=later, cases=tuple(cases[1:]))
    told = {**summaries, 1: replace(summaries[0], precision="bf16"), 4: gpu_summaries[3]}
    told[5] = summaries[4]
    before = {"packages.onnxruntime": "1.30.0", "mig": None}
    after = {"packages.onnxruntime": "1.31.1", "mig": False}
    a = StoredRun(run=run, summaries=summaries, identity=before)
    b = StoredRun(run=other, summaries=told, identity=after)
    shortened = replace(run, cases=run.cases[:-1])
    return diff(replace(a, run=shortened), b)


def printed(report, width):
    file = StringIO()
    Console(file=file, width=width, color_system=None, legacy_windows=False, _environ={}).print(
        Report(content=report)
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_a_diff_is_drawn_to_the_width_there_is(found, width):
    text = printed(content(found, machines=MACHINES), width)

    assert text == (DATA / f"diff_{width}.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_diff_ends_with_why_it_is_no_verdict(found):
    text = "".join(parts(content(found)))

    assert text.replace("\\", "").endswith(f"\n\n{WHY}\n")
    assert "SLOWER" not in text


def test_a_machine_that_is_the_same_is_told_once(found):
    labels = [label for label, _ in content(found, machines=MACHINES[:1] * 2).heading]

    assert labels == ["A", "B", "apart", "machine", "A → B"]


def test_a_run_beside_itself_differs_in_nothing(run, summaries):
    one = StoredRun(run=run, summaries=summaries, identity={})

    report = content(diff(one, one))

    assert [label for label, _ in report.heading] == ["A", "B"]
    assert report.closing[0] == "7 cases in both, 0 only in A, 0 only in B"
    asides = [aside.text for aside in report.bodies[0].tables[0].asides]
    assert not any(text.startswith("A → B") for text in asides)


def test_runs_without_cases_are_a_heading_and_last_lines(run):
    empty = StoredRun(run=replace(run, cases=()), summaries={}, identity={})

    assert content(diff(empty, empty)).closing == (
        "0 cases in both, 0 only in A, 0 only in B",
        WHY,
    )
    assert "cases\n" not in printed(content(diff(empty, empty)), 80)


def test_json_has_every_number(found):
    made = json.loads(json_text(found))

    assert list(made) == ["schema", "a", "b", "differences", "cases", "caution"]
    assert made["differences"] == [
        {"field": "packages.onnxruntime", "a": "1.30.0", "b": "1.31.1"},
        {"field": "mig", "a": None, "b": False},
    ]
    moved = made["cases"][1]
    assert moved["ratio"] == pytest.approx(80_300 / 212_000)
    assert moved["a"] == {
        "outcome": {"outcome": "measured", "stopped_by": "target"},
        "quantity": "p50",
        "time_ns": 212_000.0,
        "low_ns": pytest.approx(212_000 / 1.012),
        "high_ns": pytest.approx(212_000 * 1.012),
    }
    assert made["cases"][4]["b"]["quantity"] == "elapsed_per_query"
    assert made["cases"][0]["b"] is None
    assert made["cases"][-1]["b"]["outcome"] == {"outcome": "open"}


def test_csv_has_a_line_a_case(found):
    rows = list(csv.DictReader(csv_lines(found)))

    assert [row["case"] for row in rows] == [case.case_id for case in found.cases]
    assert (rows[0]["a_ns"], rows[0]["b_ns"], rows[0]["ratio"]) == ("80300.0", "", "")
    assert float(rows[1]["ratio"]) == pytest.approx(80_300 / 212_000)
