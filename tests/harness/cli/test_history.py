"""`dyno history` as a user meets it, over a small store of eight nights."""

import csv
import json

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.history import command
from results.baseline import Baseline, PinnedCase
from results.gate_record import Changes, GateRecord
from results.gates import Gates
from results.record import RunEnd
from results.store import Store, StoreError
from results.verdict import SAME, CaseVerdict, Estimate, Verdict
from suites.case import Case

START, DAY_S = 1_767_323_045.0, 86_400.0
CASES = [Case(model=name, backend="fake", precision="fp32", batch=1) for name in ("lstm", "mlp")]
app = typer.Typer()
app.command()(command)


def pinned(position, case):
    hashes = {"model_sha256": "ab" * 32, "inputs_sha256": "cd" * 32}
    return PinnedCase(position=position, case=case, options={}, model={}, inputs={}, **hashes)


def verdict(position, case, log_ratio):
    made = Estimate(log_ratio=log_ratio, se=0.002, df=7.0, pairs=5, low=0.9, high=1.1)
    outcome = Verdict(word=SAME, reason="", estimate=made)
    return CaseVerdict(position=position, case_id=case.id, outcome=outcome)


def add_night(gates, night):
    suite = {"suite": "smoke", "suite_sha256": "ef" * 32, "dyno_version": "0.1.0"}
    gates.add_gate(
        GateRecord(
            id=f"gate-{night}",
            kind="nightly",
            baseline_id="pin",
            started_at=START + night * DAY_S,
            threshold=0.02,
            environment={},
            changes=Changes(),
            **suite,
        )
    )
    for position, case in enumerate(CASES):
        log_ratio = 0.03 if position == 0 and night >= 4 else 0.0
        gates.add_verdict(f"gate-{night}", verdict(position, case, log_ratio))
    gates.end_gate(f"gate-{night}", RunEnd(ended_at=START + night * DAY_S + 60, state="done"))


@pytest.fixture
def folder(tmp_path):
    gates = Gates(Store(tmp_path))
    gates.add_baseline(
        Baseline(
            id="pin",
            name="main",
            suite="smoke",
            suite_sha256="ef" * 32,
            pinned_at=START - DAY_S,
            python="/usr/bin/python3",
            versions={},
            devices={},
            seed=0,
            dyno_version="0.1.0",
            cases=tuple(pinned(*told) for told in enumerate(CASES)),
        )
    )
    for night in range(8):
        add_night(gates, night)
    return tmp_path


def printed(folder, *arguments):
    result = CliRunner().invoke(
        app, [*arguments, "--store", str(folder)], env={"COLUMNS": "120"}, catch_exceptions=False
    )
    assert result.exit_code == 0
    return result.stdout


def test_all_cases_are_shown_with_their_alarms(folder):
    lines = printed(folder).splitlines()

    assert lines[0] == "baseline  main of smoke, pinned 2026-01-01"
    assert "lstm/fake/fp32/b1       8   ×1.030  1.026…1.035" in lines[6]
    assert "SLOWER since 2026-01-08: +3.0 %" in lines[6]
    assert lines[-1] == "alarms stand in 1 of 2 cases: 1 SLOWER"


def test_a_case_is_shown_night_by_night(folder):
    lines = printed(folder, "lstm/fake/fp32/b1", "--baseline", "main").splitlines()

    assert sum(line.startswith("2026-01-") for line in lines) == 8
    assert lines[2] == "case      lstm/fake/fp32/b1"


def test_csv_has_a_row_a_case_or_a_night(folder):
    cases = list(csv.DictReader(printed(folder, "--format", "csv").splitlines()))
    nights = printed(folder, CASES[1].id, "--format", "csv", "--suite", "smoke")

    assert [row["alarm"] for row in cases] == ["SLOWER", ""]
    assert [row["gate"] for row in csv.DictReader(nights.splitlines())] == [
        f"gate-{night}" for night in range(8)
    ]


def test_json_has_all_or_one(folder):
    everything = json.loads(printed(folder, "--format", "json"))
    one = json.loads(printed(folder, CASES[1].id, "--format", "json"))

    assert [case["case_id"] for case in everything["cases"]] == [case.id for case in CASES]
    assert [case["case_id"] for case in one["cases"]] == [CASES[1].id]


def test_a_case_that_is_not_known_is_told(folder):
    with pytest.raises(StoreError, match=r"Did you mean 'lstm/fake/fp32/b1'\?"):
        printed(folder, "lstn/fake/fp32/b1")
