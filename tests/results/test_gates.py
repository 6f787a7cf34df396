import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from results.baseline import Baseline, PinnedCase, Splice
from results.gate_record import Changes, GateOverview, GateRecord, GateResult
from results.gates import Gates
from results.record import Failed, RunEnd
from results.store import Store, StoreError
from results.verdict import CaseVerdict, Estimate, Verdict
from suites.case import Case

CASE = Case(model="lstm", backend="fake", precision="fp32", batch=1)
OTHER = replace(CASE, batch=2)
END = RunEnd(ended_at=1_767_413_200.0, state="done")
SAME = Verdict(
    word="SAME",
    reason="the 95 % interval lies within ±3 %",
    estimate=Estimate(log_ratio=-0.001, se=0.002, df=9.0, pairs=2, low=0.995, high=1.003),
)
FAILED = Failed(kind="crash", message="candidate: SIGSEGV", hint="See the log.")


def pinned(position, case, splice=None):
    return PinnedCase(
        position=position,
        case=case,
        options={"threads": 1},
        model_sha256="ab" * 32,
        inputs_sha256="cd" * 32,
        model={"files": {"model.onnx": "ab" * 32}},
        inputs={"names": ["x"]},
        splice=splice,
    )


def baseline(its_id="20260101-000000-aaaa", **changes):
    fields = {
        "name": "main",
        "suite": "smoke",
        "suite_sha256": "ef" * 32,
        "pinned_at": 1_767_225_600.0,
        "python": "/opt/m\udcffin/bin/python",
        "versions": {"python": "3.11.9"},
        "devices": {"cpu": "AMD EPYC"},
        "seed": 7,
        "dyno_version": "0.1.0",
        "cases": (pinned(0, CASE), pinned(1, OTHER)),
        "left_out": {"lstm/tensorrt/fp8/b1": "no GPU"},
    }
    return Baseline(id=its_id, **{**fields, **changes})


FIRST = baseline()
SECOND = baseline(
    "20260102-000000-bbbb",
    pinned_at=1_767_312_000.0,
    replaces=FIRST.id,
    cases=(pinned(0, OTHER, Splice(log_ratio=-0.01, se=0.002)),),
)


def gate(its_id="20260103-040506-2b4c", **changes):
    fields = {
        "kind": "gate",
        "baseline_id": FIRST.id,
        "suite": "smoke",
        "suite_sha256": "ef" * 32,
        "started_at": 1_767_413_106.0,
        "dyno_version": "0.1.0",
        "threshold": 0.02,
        "environment": {"cpu": {"cores": 2}},
        "changes": Changes(new=("a",), gone=("b",), changed={"c": "model"}),
    }
    return GateRecord(id=its_id, **{**fields, **changes})


@pytest.fixture
def gates(tmp_path):
    return Gates(Store(tmp_path / "store"))


@pytest.fixture
def gated(gates, make_pair):
    """A gate with two pairs of one case and a failure of the other."""
    gates.add_baseline(FIRST)
    gates.add_gate(gate())
    for number in range(2):
        gates.add_pair(gate().id, CASE.id, make_pair(1e6, 1.01e6, number=number))
    gates.add_verdict(gate().id, CaseVerdict(position=0, case_id=CASE.id, outcome=SAME))
    gates.add_verdict(gate().id, CaseVerdict(position=1, case_id=OTHER.id, outcome=FAILED))
    gates.end_gate(gate().id, END)
    return gates


def spelt(record):
    """Return a record with all that is in it as values that compare; a pair has no equality."""
    if isinstance(record, np.ndarray):
        return record.tolist()
    if hasattr(record, "__dataclass_fields__"):
        return {field.name: spelt(getattr(record, field.name)) for field in fields(record)}
    return record


def change(gates, statement, *values):
    with closing(sqlite3.connect(gates._store.folder / "dyno.db")) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_baselines_come_back_oldest_first_with_their_cases_in_order(gates):
    gates.add_baseline(replace(FIRST, cases=FIRST.cases[::-1]))
    gates.add_baseline(SECOND)

    assert gates.baselines() == (FIRST, SECOND)


def test_a_name_means_the_newest_of_its_series(gates):
    gates.add_baseline(FIRST)
    assert gates.baseline("main", "smoke") == FIRST

    gates.add_baseline(SECOND)
    assert gates.baseline("main", "smoke") == SECOND


def test_an_interpreter_alone_stands_in_for_a_suite_that_is_not_pinned(gates):
    waiting = baseline("w", suite="", suite_sha256="", cases=())
    gates.add_baseline(waiting)
    assert gates.baseline("main", "smoke") == waiting

    gates.add_baseline(FIRST)
    assert gates.baseline("main", "smoke") == FIRST
    assert gates.baseline("main", "rnn") == waiting


def test_a_baseline_that_is_not_pinned_is_told_with_the_remedy(gates):
    gates.add_baseline(FIRST)

    with pytest.raises(StoreError) as caught:
        gates.baseline("mian", "smoke")

    assert str(caught.value) == (
        f"{gates._store.folder}: expected the name of a baseline, got 'mian'. Did you mean "
        "'main'? Pin one with 'dyno baseline pin mian SUITE --python PYTHON'."
    )


def test_a_name_is_pinned_once_and_nothing_of_the_second_is_stored(gates):
    gates.add_baseline(FIRST)

    with pytest.raises(StoreError, match="expected a name that is free, got baseline 'main'"):
        gates.add_baseline(baseline("again"))
    with pytest.raises(StoreError, match="expected the newest baseline 'main' of suite 'smoke' to"):
        gates.add_baseline(baseline("again", replaces="none"))

    assert gates.baselines() == (FIRST,)


def test_a_baseline_with_a_case_twice_is_not_stored_by_half(gates):
    with pytest.raises(Exception, match="UNIQUE constraint failed"):
        gates.add_baseline(replace(FIRST, cases=(pinned(0, CASE), pinned(1, CASE))))

    assert gates.baselines() == ()


def test_a_gate_comes_back_with_its_verdicts_in_the_order_of_the_suite(gated):
    assert gated.read_gate(gate().id) == GateResult(
        record=gate(),
        baseline=FIRST,
        end=END,
        cases=(
            CaseVerdict(position=0, case_id=CASE.id, outcome=SAME),
            CaseVerdict(position=1, case_id=OTHER.id, outcome=FAILED),
        ),
    )


def test_pairs_come_back_by_number_looks_before_confirmation(gates, make_pair):
    gates.add_baseline(FIRST)
    gates.add_gate(gate())
    order = (("confirm", 0), ("look", 1), ("look", 0), ("confirm", 1))
    pairs = [make_pair(1e6, 1e6, phase=phase, number=number) for phase, number in order]
    for pair in pairs:
        gates.add_pair(gate().id, CASE.id, pair)

    found = gates.pairs(gate().id, CASE.id)

    assert list(map(spelt, found)) == [spelt(pairs[place]) for place in (2, 1, 0, 3)]
    assert gates.pairs(gate().id, OTHER.id) == ()


def test_a_case_id_that_is_no_utf_8_still_has_its_pairs(gates, make_pair):
    gates.add_baseline(FIRST)
    gates.add_gate(gate())
    gates.add_pair(gate().id, "m\udcff/b1", make_pair(1e6, 1e6))

    assert len(gates.pairs(gate().id, "m\udcff/b1")) == 1


def test_gates_are_listed_newest_first_with_their_verdicts_counted(gated):
    later = gate("20260104-000000-cccc", started_at=1_767_500_000.0, kind="nightly")
    gated.add_gate(later)

    assert gated.gates() == (
        GateOverview(record=later, baseline_name="main", end=None, counts={}),
        GateOverview(record=gate(), baseline_name="main", end=END, counts={"FAILED": 1, "SAME": 1}),
    )


def test_a_gate_that_is_not_there_is_told(gated):
    with pytest.raises(StoreError) as caught:
        gated.read_gate("20260103")
    assert str(caught.value) == (
        f"{gated._store.folder}: expected the id of a gate, got '20260103'. "
        "List them with 'dyno runs --gates'."
    )


def test_a_gate_that_was_killed_has_no_end(gates):
    gates.add_baseline(FIRST)
    gates.add_gate(gate())

    assert gates.read_gate(gate().id).end is None


DIE = """
import os, signal, sys
from pathlib import Path
from results.gates import Gates
from results.store import Store
gates = Gates(Store(Path(sys.argv[1])))
gate_id, case_id = sys.argv[2:]
gates.add_pair(gate_id, "other", gates.pairs(gate_id, case_id)[1])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_added_before_a_kill_is_there(gated):
    told = subprocess.run(
        [sys.executable, "-c", DIE, str(gated._store.folder), gate().id, CASE.id], check=False
    )

    assert told.returncode == -signal.SIGKILL
    expected = gated.pairs(gate().id, CASE.id)[1]
    assert list(map(spelt, gated.pairs(gate().id, "other"))) == [spelt(expected)]


def test_a_pair_without_a_number_is_never_stored(gated, make_pair, make_side):
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        gated.add_pair(
            gate().id, OTHER.id, make_pair(make_side(1e6, p95_ns=float("nan")), make_side(1e6))
        )

    assert gated.pairs(gate().id, OTHER.id) == ()


@pytest.mark.parametrize(
    ("statement", "read", "message"),
    [
        (
            "UPDATE verdict SET detail = '{' WHERE position = 1",
            lambda gates: gates.read_gate(gate().id),
            (
                f"gate {gate().id}, case {OTHER.id}: expected a row that can be read, got "
                "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 "
                "column 2 (char 1)"
            ),
        ),
        (
            "UPDATE verdict SET word = CAST(x'53ff' AS TEXT) WHERE position = 0",
            lambda gates: gates.read_gate(gate().id),
            (
                f"gate {gate().id}, case {CASE.id}: expected text in 'word', got bytes that "
                "are not UTF-8"
            ),
        ),
        (
            "UPDATE pair SET blocks = 'x' WHERE number = 1",
            lambda gates: gates.pairs(gate().id, CASE.id),
            f"gate {gate().id}, case {CASE.id}: expected bytes in 'blocks', got 'x'",
        ),
        (
            "UPDATE gate SET changes = '[]'",
            lambda gates: gates.gates(),
            f"gate {gate().id}: expected an object in 'changes', got []",
        ),
        (
            "UPDATE gate_end SET ended_at = 'x'",
            lambda gates: gates.gates(),
            f"gate {gate().id}: expected a number in 'ended_at', got 'x'",
        ),
        (
            "UPDATE baseline SET versions = '[]'",
            lambda gates: gates.baselines(),
            f"baseline {FIRST.id}: expected an object in 'versions', got []",
        ),
        (
            "UPDATE pinned SET pinned = '3' WHERE position = 1",
            lambda gates: gates.baselines(),
            f"baseline {FIRST.id}, case {OTHER.id}: expected an object in 'pinned', got 3",
        ),
    ],
)
def test_damage_is_told_with_the_gate_or_baseline_that_has_it(gated, statement, read, message):
    change(gated, statement)

    with pytest.raises(StoreError) as caught:
        read(gated)

    assert str(caught.value) == (
        f"{gated._store.folder}/dyno.db: {message}. "
        "List all that is damaged with 'dyno store verify', and measure again."
    )


def test_a_full_disk_is_told_in_one_line(gated, make_pair, monkeypatch):
    def full(*_):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr("results.gates.insert", full)
    with pytest.raises(StoreError, match="expected room on the disk, got none"):
        gated.add_pair(gate().id, OTHER.id, make_pair(1e6, 1e6))


def test_a_store_that_cannot_be_written_is_still_read(gated, monkeypatch):
    expected = gated.read_gate(gate().id)
    folder = gated._store.folder
    shutil.copytree(folder, folder.with_name("copy"))
    monkeypatch.setattr("results.access.os.access", lambda *_: False)

    copy = Gates(Store(Path(folder.with_name("copy")), create=False))
    assert copy.read_gate(gate().id) == expected


@pytest.mark.parametrize("read", [Gates.gates, lambda gates: gates.read_gate(gate().id)])
def test_a_gate_whose_baseline_is_gone_is_told(gated, read):
    with gated._store.connection() as connection:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("UPDATE gate SET baseline_id = 'gone'")
        connection.commit()

    with pytest.raises(StoreError) as caught:
        read(gated)
    assert str(caught.value) == (
        f"{gated._store.folder}/dyno.db: gate {gate().id}: expected the id of a baseline, got "
        "'gone'. List all that is damaged with 'dyno store verify', and measure again."
    )
