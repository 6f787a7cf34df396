import csv
import json
from xml.etree import ElementTree as ET

import pytest

from results.store import StoreError

CASE = "tiny/fake/fp32/b1/failure=none"
NIGHTLY = ("nightly", "simulated.yaml", "--only", "failure=none", "--out", "out")
MADE = {"report.md", "report.json", "verdicts.json", "history.csv", "junit.xml"}


def junit(path):
    """Return each test suite of the file as its name and the tests that are not green."""
    suites = ET.fromstring(path.read_bytes())  # noqa: S314 - what this test has just made
    return [
        (suite.get("name"), [test.get("name") for test in suite.iter("testcase") if _is_red(test)])
        for suite in suites
    ]


def _is_red(test):
    return any(child.tag in ("failure", "error") for child in test)


@pytest.fixture
def later(suite):
    """The id of a case that came into the suite after the pin: no pair of it is made."""
    suite.write_text(suite.read_text().replace("batch: 1", "batch: [1, 2]"))
    return "tiny/fake/fp32/b2/failure=none"


def test_a_quiet_night_is_exit_code_0_and_writes_every_file(dyno, tmp_path):
    told = dyno(*NIGHTLY, "--baseline", "own", "--name", "tonight")

    assert told.code == 0, told.err
    assert told.out.index("\n1 measured, 0 skipped, 0 failed") < told.out.index("\nnightly ")
    assert told.out.endswith("\nno case is SLOWER: exit 0\n")
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == MADE
    assert junit(out / "junit.xml") == [("simulated", []), ("simulated against own", [])]
    verdicts = json.loads((out / "verdicts.json").read_text(encoding="utf-8"))
    assert (verdicts["exit_code"], verdicts["gate"]["kind"]) == (0, "nightly")
    run = json.loads((out / "report.json").read_text(encoding="utf-8"))["run"]
    assert run["name"] == "tonight"
    assert CASE in (out / "report.md").read_text(encoding="utf-8")
    (row,) = csv.DictReader((out / "history.csv").read_text(encoding="utf-8").splitlines())
    assert row["case"] == CASE
    assert CASE in dyno("history", "--baseline", "own").out


def test_a_case_that_crept_slower_is_exit_code_3_though_tonight_is_the_same(dyno, nights, tmp_path):
    nights("own", CASE, [0.0] * 10 + [0.03] * 4)

    told = dyno(*NIGHTLY, "--baseline", "own")

    assert told.code == 3, told.err
    assert f"\n! {CASE}: SLOWER since " in told.out
    assert told.out.endswith("\n1 history alarm: exit 3\n")
    assert junit(tmp_path / "out" / "junit.xml") == [
        ("simulated", []),
        ("simulated against own", [CASE]),
    ]
    (alarm,) = json.loads((tmp_path / "out" / "verdicts.json").read_bytes())["alarms"]
    assert alarm.startswith(f"{CASE}: ")


def test_a_case_that_became_faster_is_told_and_fails_nothing(dyno, nights, later):
    nights("own", later, [0.0] * 10 + [-0.03] * 4)

    told = dyno(*NIGHTLY, "--only", "batch=2,failure=none", "--baseline", "own")

    assert told.code == 4, told.err
    assert f"\n{later}: FASTER since " in told.err
    assert told.out.endswith("\nnothing could be judged: exit 4\n")


def test_a_gate_that_cannot_start_leaves_the_files_of_the_run_and_nothing_green(
    dyno, aged, tmp_path
):
    aged("old", python="/gone/bin/python")

    told = dyno(*NIGHTLY, "--baseline", "old")

    message = (
        "old: /gone/bin/python: expected a Python interpreter, got nothing there. "
        "Name another, or make the environment anew."
    )
    assert told.code == 2
    assert told.err.endswith(f"\n{message}\n")
    assert "1 measured, 0 skipped, 0 failed" in told.out
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == MADE - {"history.csv"}
    assert junit(out / "junit.xml") == [("simulated", []), ("simulated gate", ["gate"])]
    assert message in (out / "junit.xml").read_text(encoding="utf-8")
    assert (out / "verdicts.json").read_text() == "{}\n"


def test_a_history_that_cannot_be_told_costs_no_verdict_and_is_exit_code_2(
    dyno, monkeypatch, later, tmp_path
):
    def damaged(*_, **__):
        raise StoreError(".dyno: expected a store that can be read, got one that cannot.")

    monkeypatch.setattr("results.nights.nights", damaged)
    told = dyno(*NIGHTLY, "--only", "batch=2,failure=none", "--baseline", "own")

    assert told.code == 2
    assert f"\nINCOMPARABLE  1  {later}\n" in told.out
    assert told.out.endswith("\nnothing could be judged; the history could not be told: exit 2\n")
    assert told.err.endswith(".dyno: expected a store that can be read, got one that cannot.\n")
    assert junit(tmp_path / "out" / "junit.xml")[2:] == [("simulated gate", ["gate"])]


def test_a_history_that_cannot_be_written_hides_no_verdict(dyno, later, tmp_path):
    (tmp_path / "out" / "history.csv").mkdir(parents=True)

    told = dyno(*NIGHTLY, "--only", "batch=2,failure=none", "--baseline", "own")

    assert told.code == 2
    assert f"\nINCOMPARABLE  1  {later}\n" in told.out
    assert told.err.endswith(
        "history.csv: is a directory. Mend that, or name another folder with --store.\n"
    )


def test_a_case_that_fails_in_the_run_is_exit_code_1(dyno, tmp_path):
    told = dyno("nightly", "simulated.yaml", "--only", "failure=query", "--baseline", "own")

    assert told.code == 1, told.err
    assert told.out.endswith("\n1 case FAILED: exit 1\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("press", ["run", "gate"])
def test_ctrl_c_is_exit_code_130_and_leaves_nothing_green(dyno, monkeypatch, tmp_path, press):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    where = {
        "run": "harness.cli.progress.Lines.launching",
        "gate": "harness.cli.verdict_lines.VerdictLines.pairing",
    }
    monkeypatch.setattr(where[press], pressed)
    told = dyno(*NIGHTLY, "--baseline", "own")

    assert told.code == 130, told.err
    assert any(red for _, red in junit(tmp_path / "out" / "junit.xml"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--baseline", "onw"),
            (
                ".dyno: expected the name of a baseline, got 'onw'. Did you mean 'own'? "
                "Pin one with 'dyno baseline pin onw SUITE --python PYTHON'.\n"
            ),
        ),
        (
            ("--baseline", "own", "--out", "simulated.yaml"),
            (
                "simulated.yaml/verdicts.json: expected a file that can be written, got one that "
                "cannot: file exists. Mend that, or name another.\n"
            ),
        ),
    ],
)
def test_what_is_wrong_from_the_start_is_told_before_anything_runs(dyno, arguments, message):
    told = dyno("nightly", "simulated.yaml", *arguments)

    assert (told.code, told.out, told.err) == (2, "", message)
    assert dyno("runs").out.startswith("no runs")
