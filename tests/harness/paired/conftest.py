import signal
import subprocess
import sys
import sysconfig
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engines.contract import Device, resolve_options
from engines.registry import get
from harness import child as children
from harness.baseline.pin import Pinner
from harness.build import Built
from harness.child import ChildError
from harness.closure import copy_closure
from harness.folders import Folders
from harness.launch import Workplace
from harness.machine.nvml import opened
from harness.paired.interpreter import Interpreter
from harness.paired.observer import Silent
from harness.paired.pair import SideError
from harness.paired.rounds import PairedCase, Rounds
from harness.paired.side import Side
from harness.paired.side_launch import resolved
from harness.paired.start import gating
from harness.plan import PlannedCase
from harness.prepare.inputs import Inputs
from harness.prepare.models import Prepared, prepare_models
from harness.protocol import warmup_rule
from harness.staging import Ready
from harness.telemetry.gpu import find_gpu
from harness.vocabulary import installed_vocabulary
from harness.wire import Message
from results.gates import Gates
from results.paired import BASELINE, CANDIDATE, PairRecord, SideBlocks, SideLaunch
from results.store import Store
from suites.case import Case
from suites.suite import Measure

UUID = "GPU-00000000-5171-4a7e-8000-00000000c0de"


@pytest.fixture
def folders(tmp_path):
    return Folders(store=tmp_path / "store", run_id="pairs")


@pytest.fixture
def closure(folders):
    return copy_closure(folders.store)


@pytest.fixture
def side(tmp_path, folders, closure):
    """Return a function that makes a side of a case on the simulated device."""
    (tmp_path / "engine").write_text("fake plan of 0", encoding="utf-8")
    np.savez(tmp_path / "inputs.npz", input0=np.ones(4))
    own = Prepared(path=tmp_path / "m.onnx", sha256="0", external_data=False, precision="fp32")
    inputs = Inputs(path=tmp_path / "inputs.npz", sha256="1", names=("x",), dtypes=("float64",))
    built = Built(
        path=tmp_path / "engine",
        facts={},
        build_ns=1,
        engine_bytes=1,
        key="key",
        cached=False,
        damage=None,
    )

    def make(role, *, watch=None, timeout_s=60.0, **options):
        case = Case(
            model="m", backend="fake", precision="fp32", batch=1, options=tuple(options.items())
        )
        resolved = resolve_options(get("fake"), case)
        planned = PlannedCase(position=0, case=case, options=resolved, outcome=None)
        ready = Ready(planned=planned, own=own, prepared=own, built=built, inputs=inputs)
        workplace = Workplace(
            measure=Measure(timeout_s=timeout_s),
            closure=closure,
            folders=folders,
            devices={"fake": Device(kind="fake")},
            watches={"fake": watch} if watch else {},
        )
        return Side(role=role, ready=ready, workplace=workplace)

    return make


class Asked:
    """Remembers what workers were asked, as (role, verb, fields), and may strike at a block.

    `pythons` has the interpreter of each role's last worker.
    """

    def __init__(self):
        self.asks = []
        self.pythons = {}
        self.strike_at = {}
        self._blocks = 0

    @property
    def verbs(self):
        return [(role, verb) for role, verb, _ in self.asks]

    def before(self, child, verb, fields):
        role = child._log.stem.rpartition("-")[2]
        self.asks.append((role, verb, fields))
        self.pythons[role] = child._process.args[0]
        if verb == "block":
            strike = self.strike_at.get(self._blocks)
            self._blocks += 1
            if isinstance(strike, signal.Signals):
                child._process.send_signal(strike)
            elif strike:
                raise strike


@pytest.fixture
def asked(monkeypatch):
    """What the workers are asked; `strike_at` has, by block, a signal for its worker."""
    found, ask = Asked(), children.Child.ask

    def recording(self, verb, **fields):
        found.before(self, verb, fields)
        return ask(self, verb, **fields)

    monkeypatch.setattr(children.Child, "ask", recording)
    return found


@pytest.fixture(autouse=True)
def nobody_left():
    """No worker outlives its pair."""
    yield
    assert children._alive == set()


@pytest.fixture
def gpu(pynvml):
    """The GPU that the stand-in simulates; called again, the same one tells something else."""

    def find(**told):
        pynvml.restart(**told)
        pynvml.pids = pynvml.workers
        stack.append(opened(pynvml))
        return find_gpu(stack[-1].__enter__(), UUID)

    stack = []
    yield find
    pynvml.restart()


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    """The interpreter of another environment, which holds numpy alone."""
    folder = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True)
    ours = Path(sysconfig.get_path("purelib"))
    for name in ("numpy", "numpy.libs"):
        if (ours / name).exists():
            (Path(told.stdout.strip()) / name).symlink_to(ours / name)
    return str(python)


def _launch(side, query_ns, disturbed, se=0.0):
    """Return what a side's worker would have found; `se` is that of its pair's log ratio."""
    opened = Message(header={"loop": "blocking", "clock": "simulated"})
    warm = SimpleNamespace(opened=opened, rule=warmup_rule("fake"))
    whole = np.full(20, 50_000_000)
    apart = se * 10**0.5 / (1.2533 * 1.4826)
    times = query_ns * np.exp(np.repeat([apart, -apart] * 5, 2))
    return SideLaunch(
        protocol=resolved(side, warm),
        blocks=SideBlocks(
            **dict.fromkeys(("median_ns", "mean_ns", "p95_ns", "p99_ns"), times),
            **dict.fromkeys(("elapsed_ns", "cpu_ns"), whole),
            queries=np.full(20, 50),
            involuntary_switches=np.zeros(20, np.int64),
            disturbed=None if disturbed is None else np.full(20, disturbed),
        ),
        **dict.fromkeys(("start_ns", "open_ns", "first_query_ns", "warmup_ns"), 1),
        warmup_queries=1,
        steady=True,
        p95_ns=float(query_ns),
        clean_p99_ns=float(query_ns),
        clean_queries=1000,
    )


class Scripted:
    """Stands in for `run_pair`: pairs at once, whose ratios `says` tells by the case's position.

    That is a ratio, or one with its standard error, or a list of one a pair, or a function of phase
    and number; an exception among them is raised. `watched` has, a pair, if it was disturbed.
    """

    def __init__(self):
        self.says = {}
        self.made = []
        self.watched = {}

    def __call__(self, baseline, candidate, *, phase, number):
        position = candidate.ready.planned.position
        self.made.append((position, phase, number))
        told = self.says.get(position, 1.0)
        if callable(told):
            told = told(phase, number)
        elif isinstance(told, list):
            told = told.pop(0)
        if isinstance(told, BaseException):
            raise told
        ratio, se = told if isinstance(told, tuple) else (told, 0.0)
        marks = self.watched.get(position)
        mark = marks.pop(0) if marks else None
        return PairRecord(
            phase=phase,
            number=number,
            started_at=1.0,
            first=BASELINE,
            baseline=_launch(baseline, 1_000_000, mark),
            candidate=_launch(candidate, 1_000_000 * ratio, mark, se),
            watched=mark is not None,
        )

    def order(self, phase="look"):
        """Return the positions in the order of their pairs."""
        return [position for position, during, _ in self.made if during == phase]


@pytest.fixture
def scripted():
    """A stand-in for `run_pair`."""
    return Scripted()


@pytest.fixture
def side_error():
    """Return a function that makes the failure of a side."""

    def make(role, *, kind="crash", message="SIGSEGV in 'block'", stale=False):
        return SideError(role, ChildError(kind, message, "The hint.", stale=stale))

    return make


class Told(Silent):
    """Remembers what an observer of pairs was told, and may interrupt a pair."""

    def __init__(self):
        self.prepared = []
        self.starts = []
        self.settlements = []
        self.pairs = []
        self.rests = []
        self.confirmations = []
        self.closings = []
        self.interrupt_at = None

    def preparing(self, what, done, total):
        self.prepared.append((what, done, total))

    def started(self, what, total, *, estimate_s):
        self.starts.append((what, total, estimate_s))

    def settled(self, cases):
        self.settlements.extend(cases)

    def pairing(self, case_id, *, phase, number, of, left_s):
        if len(self.pairs) == self.interrupt_at:
            raise KeyboardInterrupt
        self.pairs.append((case_id, phase, number, of, left_s))

    def rested(self, case_id, word, estimate):
        self.rests.append((case_id, word, estimate.pairs))

    def confirming(self, cases):
        self.confirmations.append(cases)

    def closed(self, case):
        self.closings.append(case)


@pytest.fixture
def watcher():
    """An observer that remembers what it is told."""
    return Told()


@pytest.fixture
def cases(side):
    """Return a function that makes cases with both sides, at these positions."""

    def made(*positions, **keys):
        found = []
        for position in positions:
            sides = {role: side(role) for role in (BASELINE, CANDIDATE)}
            for role, each in sides.items():
                ready = each.ready
                planned = replace(ready.planned, position=position)
                built = replace(ready.built, key=keys.get(role, "key"))
                sides[role] = replace(each, ready=replace(ready, planned=planned, built=built))
            found.append(PairedCase(position=position, case_id=f"case-{position}", **sides))
        return found

    return made


@pytest.fixture
def rounds(scripted, watcher):
    """Return a function that makes rounds of scripted pairs; `kept` has what they stored."""

    def make(**changes):
        fields = {
            "theta": 0.02,
            "seed": 7,
            "observer": watcher,
            "difference": lambda _baseline, _candidate: None,
            "rebuild": lambda side: side,
            "keep": lambda case_id, pair: make.kept.append((case_id, pair.phase, pair.number)),
            "pair": scripted,
        }
        return Rounds(**{**fields, **changes})

    make.kept = []
    return make


class Place:
    """A store in which suites are pinned as `main` and gated; its pairs are scripted.

    `versions` and `missing` are what the baseline's interpreter says of itself.
    """

    def __init__(self, store, observer):
        self.store = store
        self.observer = observer
        self.versions = {"numpy": "2.4.6", "python": "3.11.7"}
        self.missing = {}
        self.probed = []

    @property
    def gates(self):
        return Gates(Store(self.store))

    def probe(self, python, backends, *, closure, folders):
        assert closure.parent.parent == folders.store
        self.probed.append((python, tuple(backends)))
        lacking = {name: self.missing[name] for name in backends if name in self.missing}
        return Interpreter(python=python, versions=self.versions, missing=lacking)

    def pin(self, suite, *, change=lambda baseline: baseline):
        """Pin the suite, and change what was pinned before it is stored."""
        pinner = Pinner(store=self.store)
        pin = pinner.suite(suite, installed_vocabulary(), name="main", python=sys.executable)
        self.gates.add_baseline(change(pin.baseline))

    def gate(self, suite, **options):
        """Return what the store has of a gate that was carried out, and the gate."""
        fields = {"baseline": "main", "store": self.store, "observer": self.observer}
        with gating(suite, installed_vocabulary(), **{**fields, **options}) as gate:
            self.started = gate
            gate.execute()
        return self.gates.read_gate(gate.record.id)


@pytest.fixture(scope="session")
def prepare_once(tmp_path_factory):
    """Prepare the models of suites, the same ones once."""
    folders, known = Folders(store=tmp_path_factory.mktemp("models"), run_id="all"), {}

    def prepare(suite, models, names, _folders):
        key = repr([model for model in suite.models if model.name in names])
        if key not in known:
            known[key] = prepare_models(suite, models, names, folders)
        return known[key]

    return prepare


@pytest.fixture
def place(tmp_path, monkeypatch, scripted, watcher, prepare_once):
    """A place to pin and gate suites in."""
    found = Place(tmp_path / "store", watcher)
    for module in ("harness.baseline.pin", "harness.paired.start", "harness.paired.compare"):
        monkeypatch.setattr(f"{module}.probe", found.probe)
    for module in ("gate", "compare"):
        monkeypatch.setattr(f"harness.paired.{module}.Rounds", partial(Rounds, pair=scripted))
    monkeypatch.setattr("harness.staging.prepare_models", prepare_once)
    return found
