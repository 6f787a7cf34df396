import json

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.doctor import observation
from harness.doctor.diagnosis import diagnose


@pytest.fixture
def doctor(monkeypatch):
    """Call `dyno doctor` on a machine that was looked at before."""

    def call(seen, *arguments):
        monkeypatch.setattr(observation, "observe", lambda: seen)
        monkeypatch.setenv("COLUMNS", "80")
        return CliRunner().invoke(app, ["doctor", *arguments])

    return call


def test_a_warning_is_exit_code_1_and_the_last_line_counts(doctor, observed):
    told = doctor(observed("doctor-vm", later="doctor-vm-busy"))
    assert told.exit_code == 1
    assert told.output.startswith("warning  load              2.0 of 2 CPUs busy, load average")
    assert told.output.endswith("\n\n3 warnings, 0 notes, 8 ok, 2 unknown\n")


def test_without_a_warning_it_is_0(doctor, observed):
    told = doctor(observed("doctor-vm", later="doctor-vm-later"))
    assert told.exit_code == 0
    assert told.output.endswith("\n\n0 warnings, 0 notes, 11 ok, 2 unknown\n")


def test_json_has_the_findings_and_their_number(doctor, observed):
    seen = observed("doctor-vm", later="doctor-vm-busy")
    told = doctor(seen, "--format", "json")
    assert told.exit_code == 1
    assert json.loads(told.output) == {
        "schema": 1,
        "totals": {"warning": 3, "note": 0, "ok": 8, "unknown": 2},
        "findings": [finding.to_dict() for finding in diagnose(seen)],
    }
