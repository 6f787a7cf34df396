import json

import pytest

from harness.doctor import diagnosis
from harness.doctor.diagnosis import diagnose, examine, kept, totals
from harness.doctor.finding import Level, note, ok, unknown, warning
from harness.environment import capture, fingerprint


def test_the_worst_comes_first_and_else_the_order_of_the_checks(observed):
    found = diagnose(observed("doctor-vm", later="doctor-vm-busy"))
    assert [f"{each.level} {each.id}" for each in found] == [
        "warning load",
        "warning heavy-processes",
        "warning spinning-threads",
        "ok smt",
        "ok quota",
        "ok timer-slack",
        "ok swap",
        "ok thp",
        "ok clocksource",
        "ok steal",
        "ok gpu",
        "unknown governor",
        "unknown turbo",
    ]


def test_a_machine_that_tells_nothing_is_unknown_in_all_but_its_gpus(tmp_path):
    seen = diagnosis.observe(root=tmp_path, variables={}, pause=lambda _: None)
    levels = {each.level for each in diagnose(seen) if not each.id.startswith("gpu")}
    assert levels == {Level.UNKNOWN}


@pytest.mark.parametrize("path", ["proc/stat", "proc/uptime", "proc/loadavg", "proc/meminfo"])
@pytest.mark.parametrize("content", ["", "\x00\xff", "cpu", "cpu x y\nSwapTotal: kB", "-1 -1"])
def test_no_content_of_a_file_is_more_than_unknown(observed, path, content):
    found = diagnose(observed("doctor-vm", files={path: content}, later={path: content}))
    assert {each.level for each in found} <= {Level.OK, Level.UNKNOWN}
    assert all(each.finding for each in found if each.level is Level.UNKNOWN)


def test_totals_are_a_line():
    some = {"effect": "e", "remedy": "r"}
    assert totals([]) == "0 warnings, 0 notes, 0 ok, 0 unknown"
    findings = [warning("a", **some), warning("b", **some), note("c", **some), ok("d")]
    assert totals([*findings, unknown("e")]) == "2 warnings, 1 note, 1 ok, 1 unknown"


def test_a_run_keeps_all_that_is_not_ok(observed):
    stored = kept(diagnose(observed("doctor-vm", later="doctor-vm-busy")))
    assert json.loads(json.dumps(stored)) == stored
    assert [each["id"] for each in stored] == [
        "load",
        "heavy-processes",
        "spinning-threads",
        "governor",
        "turbo",
    ]
    assert stored[0] == {
        "id": "load",
        "level": "warning",
        "finding": "2.0 of 2 CPUs busy, load average 2.1",
        "effect": (
            "Queries wait for a CPU: two threads on two shared ones spread launches by 21–31 %."
        ),
        "remedy": "Measure while the machine is idle, or on one of your own.",
        "command": "",
    }


def test_examining_looks_at_this_machine(observed, monkeypatch):
    seen = observed("doctor-vm", later="doctor-vm-busy")
    monkeypatch.setattr(diagnosis, "observe", lambda: seen)
    assert examine() == kept(diagnose(seen))


def test_a_run_stores_what_was_found(run, suite_of, monkeypatch):
    found = [{"id": "load", "level": "note"}]
    monkeypatch.setattr("harness.start.examine", lambda: found)
    assert run(suite_of()).record.environment["doctor"] == found


def test_findings_are_no_part_of_the_environments_fingerprint(recorded):
    environment = capture(root=recorded("doctor-vm"))
    assert fingerprint(environment | {"doctor": [{"id": "load"}]}) == fingerprint(environment)
