import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from engines.contract import Device, resolve_options
from engines.registry import get
from harness import child as children
from harness.build import Built
from harness.closure import copy_closure
from harness.folders import Folders
from harness.launch import Workplace
from harness.machine.nvml import opened
from harness.paired.side import Side
from harness.plan import PlannedCase
from harness.prepare.inputs import Inputs
from harness.prepare.models import Prepared
from harness.staging import Ready
from harness.telemetry.gpu import find_gpu
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
