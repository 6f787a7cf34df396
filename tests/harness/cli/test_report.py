"""Reports of a big run as a user meets them: the installed `dyno`, in a process of its own."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.alive import alive
from harness.environment import capture
from harness.protocol import resolve_protocol, warmup_rule
from results.record import (
    Block,
    CaseRecord,
    Failed,
    LaunchRecord,
    Measured,
    RunEnd,
    RunRecord,
)
from results.store import Store
from results.summaries import close
from suites.case import Case
from suites.suite import Measure

OLD_STORES = Path(__file__).parents[2] / "results" / "data"
DYNO = str(Path(sys.executable).with_name("dyno"))
RUN = RunRecord(
    id="20260102-030405-1f3a",
    name="big",
    suite="smoke",
    suite_sha256="ef" * 32,
    dyno_version="0.1.0",
    started_at=1_767_323_045.0,
    seed=7,
    estimate_s=42.0,
    environment=capture(),
)
PROTOCOL = resolve_protocol(
    measure=Measure(), options={}, rule=warmup_rule("cpu"), loop="blocking", clock="perf_counter_ns"
)
FAILED = Failed(kind="build", message="no such operator", hint="Ask for another backend.")
IMPORTED = """
import sys
from harness.cli.main import run
try:
    run()
finally:
    sys.stderr.write(" ".join(sys.modules))
"""


def case(position, model="mlp"):
    return CaseRecord(
        position=position,
        case=Case(model=model, backend="fake", precision="fp32", batch=position + 1),
    )


def launch(number):
    wall = np.full(100, 1_000_000 + number, dtype=np.int64)
    block = Block(
        queries=100,
        elapsed_ns=100_000_000,
        cpu_ns=100_000_000,
        voluntary_switches=0,
        involuntary_switches=0,
    )
    return LaunchRecord(
        number=number,
        started_at=1_767_323_050.0 + number,
        protocol=PROTOCOL,
        wall_ns=wall,
        blocks=(block,),
        start_ns=90_000_000,
        open_ns=3_000_000,
        first_query_ns=2_000_000,
        warmup_ns=310_000_000,
        warmup_queries=300,
        steady=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with a run of two measured cases and 205 that failed."""
    made = tmp_path_factory.mktemp("big")
    store = Store(made)
    store.add_run(RUN)
    for position in range(2):
        store.add_case(RUN.id, case(position))
        for number in range(2):
            store.add_launch(RUN.id, position, launch(number))
        store.add_outcome(RUN.id, position, Measured(stopped_by="target"))
        close(store, RUN.id, case(position))
    store.add_settled(RUN.id, [(case(position, "cnn"), FAILED) for position in range(2, 207)])
    store.end_run(RUN.id, RunEnd(ended_at=RUN.started_at + 40, state="done"))
    return made


@pytest.fixture
def dyno(folder):
    def call(*arguments, command=(DYNO,)):
        return subprocess.run(
            [*command, *arguments, "--store", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_a_big_run_is_told_by_its_head_and_says_where_the_rest_is(dyno, folder):
    told = dyno("report")

    assert told.returncode == 0, told.stderr
    assert "\ncases  207, by model and backend\n" in told.stdout
    assert "\n205 failed (build): no such operator. Ask for another backend. First: #3" in (
        told.stdout
    )
    assert "\nmost samples/s  the best case of each model and backend\n" in told.stdout
    command = f"dyno report {RUN.id} --store {folder}"
    assert f" 205 more cases and the cold path: {command} --all " in " ".join(told.stdout.split())
    assert "207    207  failed" not in told.stdout


def test_all_of_a_big_run_has_every_case(dyno):
    told = dyno("report", "--all")

    assert told.returncode == 0, told.stderr
    assert told.stdout.count("  failed\n") == 205
    assert "\n#3–#207 failed (build): no such operator. Ask for another backend.\n" in told.stdout
    assert "\ncold path  " in told.stdout
    assert told.stdout.endswith(
        "\n2 measured, 0 skipped, 205 failed · estimated 42.0 s, took 40.0 s\n"
    )


def test_csv_and_json_have_every_case_unasked(dyno):
    rows = list(csv.DictReader(dyno("report", "--format", "csv").stdout.splitlines()))
    cases = json.loads(dyno("report", "--format", "json").stdout)["cases"]

    assert len(rows) == len(cases) == 207
    assert [row["p50_ns"][:9] for row in rows[:3]] == ["1000000.4", "1000000.4", ""]


@pytest.mark.parametrize("form", ["rich", "markdown", "csv"])
def test_only_the_cases_asked_for_are_told(dyno, form):
    told = dyno("report", "--only", "model=mlp,batch=2", "--format", form)

    assert told.returncode == 0, told.stderr
    assert "cnn" not in told.stdout
    assert "mlp" in told.stdout
    if form == "rich":
        assert "\nshown     model=mlp,batch=2: 1 of 207 cases\n" in told.stdout
        assert told.stdout.endswith("\n1 measured, 0 skipped, 0 failed\n")


def test_an_axis_that_no_case_has_is_an_error(dyno):
    told = dyno("report", "--only", "modle=mlp")

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == (
        "--only: expected one of model, backend, precision, batch, got 'modle'. "
        "Did you mean 'model'?\n"
    )


def test_a_report_of_stored_summaries_computes_nothing(dyno):
    told = dyno("report", command=(sys.executable, "-P", "-c", IMPORTED))

    assert told.returncode == 0
    assert not {"numpy", "scipy", "pandas", "onnx"} & set(told.stderr.split())
    assert "sqlalchemy" in told.stderr.split()


def test_a_run_that_goes_on_is_told_from_one_that_was_killed(tmp_path):
    store = Store(tmp_path)
    store.add_run(RUN)
    store.add_case(RUN.id, case(0))

    def told(*arguments):
        command = [DYNO, *arguments, "--store", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with alive(tmp_path, RUN.id):
        assert "  running  1 open\n" in told("runs")
        assert "UTC, running, dyno 0.1.0\n" in told("report")
    assert told("runs").endswith(
        f"  killed  1 open\n\nto go on: dyno run smoke --resume {RUN.id}\n"
    )
    assert told("report").endswith(f"\n1 case left to measure: dyno run smoke --resume {RUN.id}\n")


def test_gates_are_listed_apart_from_runs(tmp_path):
    shutil.copytree(OLD_STORES / "schema5", tmp_path / "store")

    def told(*arguments):
        command = [DYNO, "runs", *arguments, "--store", str(tmp_path / "store")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "20260103-040506-2b4c  gate  main      smoke  done   1 SLOWER" in told("--gates")
    assert "20260103" not in told()


@pytest.mark.parametrize("schema", ["schema1", "schema2", "schema3", "schema4", "schema5"])
def test_a_run_whose_environment_is_not_whole_is_told_with_what_there_is(tmp_path, schema):
    shutil.copytree(OLD_STORES / schema, tmp_path / "old")
    told = subprocess.run(
        [DYNO, "report", "--store", str(tmp_path / "old")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "machine   AMD EPYC, 2 cores\n" in told.stdout
