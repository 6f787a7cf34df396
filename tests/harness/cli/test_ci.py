import json
from xml.etree import ElementTree as ET

import pytest

from harness.cli.ci import Faces, claim, write_broken, write_faces, write_file
from results.baseline import Baseline
from results.gate_record import Changes, GateRecord, GateResult
from results.record import RunEnd, RunRecord, RunResult
from results.report.verdicts import GateFrame
from results.verdict import CaseVerdict, Verdict
from suites.errors import SuiteError

FRAME = GateFrame(conclusion="nothing could be judged: exit 4", alarms=("it creeps: +3 %",))
CASE = "mlp/fake/fp32/b1"
ENDED = RunEnd(ended_at=1_767_413_258.0, state="done")


@pytest.fixture
def result():
    return GateResult(
        record=GateRecord(
            id="g1",
            kind="nightly",
            baseline_id="b1",
            suite="rnn",
            suite_sha256="ef" * 32,
            started_at=1_767_413_106.0,
            dyno_version="0.1.0",
            threshold=0.02,
            environment={},
            changes=Changes(),
        ),
        baseline=Baseline(
            id="b1",
            name="main",
            suite="rnn",
            suite_sha256="cd" * 32,
            pinned_at=1_767_323_045.0,
            python="/opt/main/bin/python",
            versions={},
            devices={},
            seed=0,
            dyno_version="0.1.0",
        ),
        end=ENDED,
        cases=(
            CaseVerdict(
                position=0,
                case_id=CASE,
                outcome=Verdict(word="UNSURE", reason="4 pairs, 5 are needed"),
            ),
        ),
    )


@pytest.fixture
def run():
    record = RunRecord(
        id="r1",
        name="rnn",
        suite="rnn",
        suite_sha256="ef" * 32,
        dyno_version="0.1.0",
        started_at=1_767_413_106.0,
        seed=0,
        estimate_s=1.0,
        environment={},
    )
    return RunResult(record=record, end=ENDED, cases=())


@pytest.fixture(autouse=True)
def _away_from_github(monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_files_that_are_named_are_written_and_their_folders_made(result, run, tmp_path, capsys):
    junit, verdicts = tmp_path / "ci" / "junit.xml", tmp_path / "ci" / "verdicts.json"

    write_faces(Faces(junit=junit, json=verdicts), result, FRAME, exit_code=3, run=run)

    found = json.loads(verdicts.read_text(encoding="utf-8"))
    assert (found["exit_code"], found["alarms"]) == (3, ["it creeps: +3 %"])
    suites = ET.fromstring(junit.read_bytes())  # noqa: S314 - what this test has just made
    assert [suite.get("name") for suite in suites] == ["rnn", "rnn against main"]
    assert capsys.readouterr().out == ""


def test_what_a_case_took_stands_in_the_junit_file(result, tmp_path):
    write_faces(Faces(junit=tmp_path / "junit.xml"), result, FRAME, times_s={CASE: 16.4})

    assert f'name="{CASE}" classname="rnn.fake" time="16.4"' in (
        (tmp_path / "junit.xml").read_text(encoding="utf-8")
    )


def test_nothing_is_written_unasked(result, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))

    write_faces(Faces(), result, FRAME)

    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_job_of_github_is_annotated_and_its_summary_added_to(
    result, tmp_path, monkeypatch, capsys
):
    summary = tmp_path / "summary.md"
    summary.write_text("what an earlier command wrote\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    write_faces(Faces(), result, FRAME)

    assert capsys.readouterr().out == (
        "::error title=history alarm::it creeps: +3 %25\n"
        f"::warning title=UNSURE {CASE}::4 pairs, 5 are needed\n"
    )
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == [
        "what an earlier command wrote",
        "## dyno nightly rnn: nothing could be judged: exit 4",
    ]


def test_a_summary_that_cannot_be_written_costs_no_exit_code(result, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))

    write_faces(Faces(), result, FRAME)

    assert capsys.readouterr().err == (
        f"{tmp_path}: expected a summary that can be written, got one that cannot: "
        "is a directory. Mend GITHUB_STEP_SUMMARY.\n"
    )


def test_a_runner_without_a_summary_is_annotated_all_the_same(result, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    write_faces(Faces(), result, GateFrame())

    assert capsys.readouterr().out == f"::warning title=UNSURE {CASE}::4 pairs, 5 are needed\n"


def errors(path):
    """Return the test suites of the file and the messages of their errors."""
    suites = ET.fromstring(path.read_bytes())  # noqa: S314 - what this test has just made
    return [
        (suite.get("name"), [error.get("message") for error in suite.iter("error")])
        for suite in suites
    ]


def test_files_of_a_gate_that_has_not_ended_are_not_green(tmp_path):
    faces = Faces(junit=tmp_path / "ci" / "junit.xml", json=tmp_path / "ci" / "verdicts.json")

    claim(faces, "rnn")

    assert errors(faces.junit) == [("rnn gate", ["the gate did not come to its end"])]
    assert faces.json.read_text(encoding="utf-8") == "{}\n"


def test_why_there_is_no_gate_stands_beside_the_run(run, tmp_path):
    faces = Faces(junit=tmp_path / "junit.xml")

    write_broken(faces, "rnn", "main: it is gone.", run=run)

    assert errors(faces.junit) == [("rnn", []), ("rnn gate", ["main: it is gone."])]


def test_what_went_wrong_after_the_verdicts_stands_behind_them(result, tmp_path):
    faces = Faces(junit=tmp_path / "junit.xml")

    write_faces(faces, result, GateFrame(), trouble="nothing could be judged")

    assert errors(faces.junit) == [
        ("rnn against main", []),
        ("rnn gate", ["nothing could be judged"]),
    ]


def test_nothing_is_claimed_unasked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    claim(Faces(), "rnn")
    write_broken(Faces(), "rnn", "main: it is gone.")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(SuiteError) as caught:
        write_file(tmp_path, b"")
    assert str(caught.value) == (
        f"{tmp_path}: expected a file that can be written, got one that cannot: is a directory. "
        "Mend that, or name another."
    )
