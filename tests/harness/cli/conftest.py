"""A store with a suite that is pinned, and `dyno` called in this process as its main does."""

import math
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.cli.main import for_users
from harness.cli.verdict_lines import VerdictLines
from results.gate_record import Changes, GateRecord
from results.gates import Gates
from results.record import RunEnd
from results.store import Store
from results.verdict import CaseVerdict, Estimate, Verdict

SUITE = """
suite: simulated
models: {tiny: {builtin: mlp, hidden: 8}}
matrix: {model: tiny, backend: fake, batch: 1, failure: [none, query]}
measure: {launches: 2, launch_s: 0.05}
"""
DAY_S = 86_400.0
FASTER = """
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder


class Faster(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "engines.fake.device":
            return None
        spec = PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            own = module.FakeSession._latency_ns
            module.FakeSession._latency_ns = lambda session: own(session) * 9 // 10

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Faster())
"""


@pytest.fixture(scope="session")
def faster(tmp_path_factory):
    """The interpreter of an environment where the simulated device takes nine tenths as long."""
    folder = tmp_path_factory.mktemp("faster")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    theirs, ours = Path(told.stdout.strip()), Path(sysconfig.get_path("purelib"))
    for name in ("numpy", "numpy.libs"):
        if (ours / name).exists():
            (theirs / name).symlink_to(ours / name)
    (theirs / "sitecustomize.py").write_text(FASTER)
    return str(python)


def _call(*arguments):
    """Return exit code, stdout and stderr of a command line, whose error ends it as in `main`."""
    told = CliRunner().invoke(app, arguments)
    error = told.exception
    if error is None or isinstance(error, SystemExit):
        return SimpleNamespace(code=told.exit_code, out=told.stdout, err=told.stderr)
    message = for_users(error)
    if message is None:
        raise error
    return SimpleNamespace(code=2, out=told.stdout, err=f"{told.stderr}{message}\n")


@pytest.fixture(scope="session")
def pinned(tmp_path_factory, faster):
    """A folder with the suite `simulated`, pinned as `own` here and as `faster` over there."""
    folder = tmp_path_factory.mktemp("pinned")
    (folder / "simulated.yaml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DYNO_LOCKS", str(folder / "locks" / uuid4().hex))
        for name, python in (("own", sys.executable), ("faster", faster)):
            told = _call("baseline", "pin", name, "simulated.yaml", "--python", python)
            assert told.code == 0, told.err
    return folder


@pytest.fixture
def suite(pinned, tmp_path):
    """The file of the suite in a folder that has its baselines, too."""
    shutil.copytree(pinned, tmp_path, dirs_exist_ok=True)
    return tmp_path / "simulated.yaml"


@pytest.fixture
def store(suite):
    """The store that `dyno` works on."""
    return Store(suite.parent / ".dyno")


@pytest.fixture
def dyno(suite, monkeypatch):
    """Call dyno in that folder."""
    monkeypatch.chdir(suite.parent)
    monkeypatch.setenv("COLUMNS", "200")
    for name in [name for name in os.environ if name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)
    return _call


@pytest.fixture
def gates(store):
    """The baselines and gates of the store that `dyno` works on."""
    return Gates(store)


@pytest.fixture
def aged(gates):
    """Pin a baseline like `own` that has something else in it."""

    def pin(name, **changes):
        own = gates.baseline("own", "simulated")
        gates.add_baseline(replace(own, **{"id": f"id-of-{name}", "name": name, **changes}))

    return pin


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C is pressed before the second pair."""

    def pairing(_lines, _case_id, *, number, **_):
        if number:
            raise KeyboardInterrupt

    monkeypatch.setattr(VerdictLines, "pairing", pairing)


@pytest.fixture
def nights(gates):
    """Put nights of a case into the store, a day each, with the change that each measured.

    Those before the pin count as well as any.
    """

    def put(baseline, case_id, changes, *, first=-30):
        pinned = gates.baseline(baseline, "simulated")
        for day, change in enumerate(changes, first):
            started_at = pinned.pinned_at + DAY_S * day
            record = GateRecord(
                id=f"night-{pinned.id}-{day}",
                kind="nightly",
                baseline_id=pinned.id,
                suite="simulated",
                suite_sha256=pinned.suite_sha256,
                started_at=started_at,
                dyno_version="1",
                threshold=0.02,
                environment={},
                changes=Changes(),
            )
            gates.add_gate(record)
            gates.add_verdict(
                record.id, CaseVerdict(position=0, case_id=case_id, outcome=same(change))
            )
            gates.end_gate(record.id, RunEnd(ended_at=started_at + 60, state="done"))

    return put


def same(change):
    """Return a verdict of that change (0.03 = 3 % slower), which a history reads."""
    estimate = Estimate(
        log_ratio=math.log1p(change), se=0.001, df=6.0, pairs=5, low=1 + change, high=1 + change
    )
    return Verdict(word="SAME", reason="", estimate=estimate)
