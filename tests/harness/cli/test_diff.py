import csv
import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from harness.cli import diff
from harness.protocol import resolve_protocol, warmup_rule
from results.database import StoreError
from results.record import Block, CaseRecord, LaunchRecord, Measured, RunEnd, RunRecord
from results.store import Store
from results.summaries import close
from suites.case import Case
from suites.suite import Measure

PROTOCOL = resolve_protocol(
    measure=Measure(), options={}, rule=warmup_rule("cpu"), loop="blocking", clock="perf_counter_ns"
)
CASE = CaseRecord(position=0, case=Case(model="mlp", backend="fake", precision="fp32", batch=1))


def launch(number, wall_ns):
    block = Block(
        queries=100,
        elapsed_ns=100 * wall_ns,
        cpu_ns=100 * wall_ns,
        voluntary_switches=0,
        involuntary_switches=0,
    )
    return LaunchRecord(
        number=number,
        started_at=1_767_323_050.0 + number,
        protocol=PROTOCOL,
        wall_ns=np.full(100, wall_ns, dtype=np.int64),
        blocks=(block,),
        start_ns=90_000_000,
        open_ns=3_000_000,
        first_query_ns=2_000_000,
        warmup_ns=310_000_000,
        warmup_queries=300,
        steady=True,
    )


@pytest.fixture
def call(tmp_path):
    """Call `dyno diff` on a store with the runs `before` and `after`."""
    store = Store(tmp_path)
    for name, wall_ns, version in (("before", 1_000_000, "3.11.7"), ("after", 1_100_000, "3.12.1")):
        record = RunRecord(
            id=f"20260102-030405-{name}",
            name=name,
            suite="smoke",
            suite_sha256="ef" * 32,
            dyno_version="0.1.0",
            started_at=1_767_323_045.0,
            seed=7,
            estimate_s=42.0,
            environment={"python": {"version": version}},
        )
        store.add_run(record)
        store.add_case(record.id, CASE)
        for number in range(2):
            store.add_launch(record.id, 0, launch(number, wall_ns))
        store.add_outcome(record.id, 0, Measured(stopped_by="target"))
        close(store, record.id, CASE)
        store.end_run(record.id, RunEnd(ended_at=record.started_at + 40, state="done"))
    app = typer.Typer()
    app.command()(diff.command)

    def run(*arguments):
        return CliRunner().invoke(app, [*arguments, "--store", str(tmp_path)])

    return run


def test_two_runs_are_described_without_a_verdict(call):
    told = call("before", "after")

    assert told.exit_code == 0
    assert "\n1  mlp/fake/fp32/b1   1.00  0   1.10  0  ×1.100\n" in told.output
    assert "\nA → B      python.version 3.11.7 → 3.12.1\n" in told.output
    assert told.output.endswith("dyno compare SUITE CASE_A CASE_B.\n")


def test_programs_get_json_csv_and_markdown(call):
    ratio = json.loads(call("before", "after", "--format", "json").output)["cases"][0]["ratio"]
    [row] = csv.DictReader(call("before", "after", "--format", "csv").output.splitlines())
    markdown = call("before", "after", "--format", "markdown").output

    assert ratio == pytest.approx(1.1)
    assert (row["case"], float(row["ratio"])) == ("mlp/fake/fp32/b1", pytest.approx(1.1))
    assert "| 1 | mlp/fake/fp32/b1 | 1.00 | 0 | 1.10 | 0 | ×1.100 |" in markdown


def test_a_run_that_is_not_there_is_an_error(call):
    found = call("before", "aftr").exception

    assert isinstance(found, StoreError)
    assert "expected the id or name of a run, got 'aftr'. Did you mean 'after'?" in str(found)
