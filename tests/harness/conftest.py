import importlib.util
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.doctor.observation import observe
from harness.observer import Silent
from harness.start import starting
from harness.vocabulary import installed_vocabulary
from suites.load import parse_suite

STAND_IN = Path(__file__).resolve().parent.parent / "stand_in"


class NVMLError(Exception):
    pass


ANSWERS = {
    "nvmlDeviceGetHandleByIndex": "handle",
    "nvmlDeviceGetUUID": "GPU-5f3c",
    "nvmlDeviceGetName": b"NVIDIA H200",
    "nvmlDeviceGetPciInfo": SimpleNamespace(busId="00000000:3B:00.0"),
    "nvmlDeviceGetCudaComputeCapability": (9, 0),
    "nvmlSystemGetDriverVersion": "580.95.05",
    "nvmlSystemGetCudaDriverVersion_v2": 13020,
    "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=150_754_820_096, used=1_048_576),
    "nvmlDeviceGetEnforcedPowerLimit": 700_000,
    "nvmlDeviceGetPowerManagementDefaultLimit": 700_000,
    "nvmlDeviceGetEccMode": [1, 1],
    "nvmlDeviceGetMigMode": [0, 0],
    "nvmlDeviceGetPersistenceMode": 1,
    "nvmlDeviceGetTemperature": 31,
    "nvmlDeviceGetCurrentClocksEventReasons": 0x1,
    "nvmlDeviceGetComputeRunningProcesses": [SimpleNamespace(pid=7)],
}
REASONS = (
    "GpuIdle",
    "ApplicationsClocksSetting",
    "SwPowerCap",
    "HwSlowdown",
    "SyncBoost",
    "SwThermalSlowdown",
    "HwThermalSlowdown",
    "HwPowerBrakeSlowdown",
    "DisplayClockSetting",
)
CLOCKS = {
    "nvmlDeviceGetClockInfo": {1: 345, 2: 3201},
    "nvmlDeviceGetMaxClockInfo": {1: 1980, 2: 3201},
}


@pytest.fixture(autouse=True)
def healthy(monkeypatch):
    """Runs in these tests start without half a second of looking at the machine."""
    monkeypatch.setattr("harness.start.examine", list)


@pytest.fixture
def nvml():
    """A pynvml with one device that answers everything.

    `answer(function=value)` changes answers, `refuse(function, …)` takes them away.
    """
    started = []
    stand_in = SimpleNamespace(
        NVMLError=NVMLError,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        NVML_TEMPERATURE_GPU=0,
        **{f"nvmlClocksEventReason{name}": 1 << bit for bit, name in enumerate(REASONS)},
        started=started,
        questions=(*ANSWERS, *CLOCKS),
        nvmlInit=lambda: started.append("init"),
        nvmlShutdown=lambda: started.append("shutdown"),
        nvmlDeviceGetCount=lambda: 1,
        **{name: lambda _, kind, by=by: by[kind] for name, by in CLOCKS.items()},
    )

    def answer(**answers):
        for name, value in answers.items():
            setattr(stand_in, name, lambda *_, value=value: value)

    def refuse(*names):
        def fail(*_):
            raise NVMLError("Not Supported")

        for name in names:
            setattr(stand_in, name, fail)

    answer(**ANSWERS)
    stand_in.answer, stand_in.refuse = answer, refuse
    return stand_in


@pytest.fixture
def pynvml(monkeypatch):
    """The stand-in for pynvml, as new; `computing(pid, …)` says which processes are on the GPU."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "simulated"]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(STAND_IN)
        spec = importlib.util.spec_from_file_location("pynvml", STAND_IN / "pynvml.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    for name in [name for name in sys.modules if name.partition(".")[0] == "simulated"]:
        del sys.modules[name]

    def computing(*pids):
        module.pids = lambda: pids

    module.computing = computing
    computing()
    return module


class Recorder(Silent):
    """Remembers the launches in order, and may interrupt one."""

    def __init__(self, interrupt_at=None):
        self.launches = []
        self.outcomes = {}
        self._interrupt_at = interrupt_at

    def launching(self, case, progress, *, left_s):
        self.launches.append((case.id, progress.launches))
        assert left_s > 0
        if len(self.launches) == self._interrupt_at:
            raise KeyboardInterrupt

    def closed(self, case, outcome):
        self.outcomes[case.id] = outcome


def _suite_of(**changes):
    document = {
        "suite": "simulated",
        "models": {"tiny": {"builtin": "mlp"}},
        "matrix": {"model": ["tiny"], "backend": ["fake"], "batch": [1]},
        "measure": {"launches": {"min": 2, "max": 2}, "launch_s": 0.1},
        **changes,
    }
    return parse_suite(
        document,
        where="test",
        base=Path(),
        sha256="0" * 64,
        path=None,
        vocabulary=installed_vocabulary(),
    )


def _matrix(**axes):
    return {"model": ["tiny"], "backend": ["fake"], "batch": [1], **axes}


@pytest.fixture
def run(tmp_path):
    def execute(suite, observer=None, **options):
        with starting(
            suite,
            installed_vocabulary(),
            store=tmp_path / "store",
            observer=observer or Silent(),
            **options,
        ) as runner:
            runner.execute()
        return Stored(runner.store, runner.run.id)

    return execute


class Stored:
    """What the store holds of a run, its launches by case."""

    def __init__(self, store, run_id):
        run = store.read_run(run_id)
        self.record, self.end, self.cases = run.record, run.end, run.cases
        self.resumes = run.resumes
        positions = [case.record.position for case in run.cases]
        self.launches = [store.launches(run_id, position) for position in positions]


def _outcomes(result):
    return {case.record.id: case.outcome for case in result.cases}


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def suite_of():
    """Make a suite of one case on the simulated device, with the sections that are given anew."""
    return _suite_of


@pytest.fixture
def matrix():
    return _matrix


@pytest.fixture
def outcomes():
    return _outcomes


@pytest.fixture
def observed(recorded):
    """Look at a recorded machine, some of whose files differ, from the start or `later` on.

    `later` is a dict of files too, or the name of a recording of those that changed.
    """
    no_gpus = SimpleNamespace(
        NVMLError=Exception,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 0,
    )

    def look(name, *, files=None, later=None, nvml=no_gpus, variables=None):
        root = recorded(name)
        write(root, files or {})

        def pause(_):
            if isinstance(later, str):
                shutil.copytree(recorded(later), root, dirs_exist_ok=True)
            else:
                write(root, later or {})

        return observe(root=root, nvml=nvml, variables=variables or {}, pause=pause)

    return look


def write(root, files):
    for path, content in files.items():
        if content is None:
            (root / path).unlink()
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
