"""Where the engines of a run come from: built once, then out of the cache, whatever goes wrong."""

import errno
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engines.backends.fake import Fake
from engines.cache import cache as cache_module
from engines.cache.folder import CacheError
from engines.lock import Lock
from harness import build as module
from harness import cached, closure, staging
from harness.closure import backend_code
from harness.observer import Silent
from harness.start import starting
from harness.vocabulary import installed_vocabulary
from results.record import Failed, Measured
from suites.load import parse_suite

DYNO = str(Path(sys.executable).with_name("dyno"))
FULL = "{root}: no space left on device{more}"
MEND = "Mend that, or name another folder with --cache."
NOT_WRITABLE = (
    "{root}: expected a folder to keep engines in, got: not a directory. "
    "Mend that, or name another folder with --cache."
)


class Counter(Silent):
    """Remembers how many engines were ready and cached; may interrupt when one is there."""

    def __init__(self, *, interrupt=False):
        self.prepared_as = None
        self._interrupt = interrupt

    def preparing(self, what, done, _total):
        if self._interrupt and what == "engines" and done == 1:
            raise KeyboardInterrupt

    def prepared(self, ready, total, *, built, cached):
        self.prepared_as = (ready, total, built, cached)


class Deleter(Silent):
    """Deletes a folder once the engines are there."""

    def __init__(self, folder):
        self._folder = folder

    def prepared(self, *_, **__):
        shutil.rmtree(self._folder)


@pytest.fixture
def run(tmp_path):
    def execute(observer=None, *, store="store", cache=None, cache_bytes=10**9, **axes):
        document = {
            "suite": "simulated",
            "models": {"tiny": {"builtin": "mlp"}},
            "matrix": {"model": ["tiny"], "backend": ["fake"], "batch": [1], **axes},
            "measure": {"launches": 1, "launch_s": 0.05},
        }
        suite = parse_suite(
            document,
            where="test",
            base=Path(),
            sha256="0" * 64,
            path=None,
            vocabulary=installed_vocabulary(),
        )
        with starting(
            suite,
            installed_vocabulary(),
            store=tmp_path / store,
            cache=cache,
            cache_bytes=cache_bytes,
            observer=observer or Silent(),
        ) as runner:
            runner.execute()
        return runner.store.read_run(runner.run.id).cases

    return execute


def entries(tmp_path, folder="store/cache"):
    return sorted(path.parent for path in (tmp_path / folder).glob("??/*/entry.json"))


def test_the_second_run_builds_nothing(run, tmp_path, monkeypatch):
    first = run(observer := Counter(), latency_ns=[1000, 2000])
    assert observer.prepared_as == (2, 2, 2, 0)
    monkeypatch.setattr(module.Builder, "_build", None)
    second = run(observer, latency_ns=[1000, 2000])
    assert observer.prepared_as == (2, 2, 0, 2)
    for was, now in zip(first, second, strict=True):
        assert (was.record.engine_cached, now.record.engine_cached) == (False, True)
        assert was.record.engine_key == now.record.engine_key
        assert was.record.build_ns == now.record.build_ns
        assert was.record.engine_bytes == now.record.engine_bytes
        assert was.record.facts == now.record.facts == {"layers": 1}
        assert isinstance(now.outcome, Measured)
    keys = {case.record.engine_key for case in first}
    assert {path.name for path in entries(tmp_path)} == keys


def test_cases_of_one_key_share_one_build(run, tmp_path):
    cases = run(observer := Counter(), batch=[1, 2, 3])
    assert observer.prepared_as == (3, 3, 1, 0)
    assert [case.record.engine_cached for case in cases] == [False] * 3
    assert len({case.record.engine_key for case in cases}) == len(entries(tmp_path)) == 1


def test_several_stores_may_share_a_cache(run, tmp_path):
    run(cache=tmp_path / "shared", store="a")
    run(observer := Counter(), cache=tmp_path / "shared", store="b")
    assert observer.prepared_as == (1, 1, 0, 1)
    assert entries(tmp_path, "shared")
    assert not (tmp_path / "a" / "cache").exists()


def test_a_damaged_entry_is_built_again_and_told_for_its_case_alone(run, tmp_path):
    run(latency_ns=[1000, 2000])
    hit = entries(tmp_path)[0]
    (hit / "engine").write_bytes(b"?")
    size = (entries(tmp_path)[1] / "engine").stat().st_size
    cases = run(observer := Counter(), latency_ns=[1000, 2000])
    assert observer.prepared_as == (2, 2, 1, 1)
    told = {case.record.engine_key: case.record.facts.get("cache_damage") for case in cases}
    assert told.pop(hit.name) == f"engine has 1 bytes instead of {size}"
    assert list(told.values()) == [None]


def test_a_failed_build_fails_every_case_that_shares_it_and_is_not_kept(run, tmp_path):
    broken = Failed(kind="build", message="fake: the builder gave up", hint="Ask the builder why.")
    for _ in range(2):
        cases = run(observer := Counter(), batch=[1, 2], failure=["build", "none"])
        assert [case.outcome == broken for case in cases] == [
            case.record.case.options == (("failure", "build"),) for case in cases
        ]
        assert observer.prepared_as[:2] == (2, 4)
    assert len(entries(tmp_path)) == 1


def test_a_disk_that_is_full_fails_the_case_and_the_run_goes_on(run, tmp_path, monkeypatch):
    real = cache_module.write_entry

    def full(folder, entry):
        if entry.about["case"].endswith("=1000"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(folder, entry)

    monkeypatch.setattr(cache_module, "write_entry", full)
    cases = run(latency_ns=[1000, 2000])
    root = tmp_path / "store" / "cache"
    assert cases[0].outcome == Failed(
        kind="disk", message=FULL.format(root=root, more=""), hint=MEND
    )
    assert isinstance(cases[1].outcome, Measured)
    assert len(entries(tmp_path)) == 1
    assert list((root / "tmp").iterdir()) == []


def test_a_build_that_fails_on_a_full_disk_is_a_failure_of_the_disk(run, tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cached, "probe", full)
    (case,) = run(failure=["build"])
    more = " (fake: the builder gave up)"
    message = FULL.format(root=tmp_path / "store" / "cache", more=more)
    assert case.outcome == Failed(kind="disk", message=message, hint=MEND)


def test_a_backend_that_writes_nothing_is_told(run, monkeypatch):
    real = module.Builder._build

    def lose(builder, planned, prepared, path):
        draft = real(builder, planned, prepared, path)
        path.write_bytes(b"")
        return draft

    monkeypatch.setattr(module.Builder, "_build", lose)
    (case,) = run()
    assert case.outcome == Failed(
        kind="build",
        message="build: expected an engine, got an empty file",
        hint="Tell the backend's makers.",
    )


def test_a_cache_that_cannot_be_is_an_error_before_anything_is_built(run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError) as error:
        run(cache=tmp_path / "file" / "cache")
    assert str(error.value) == NOT_WRITABLE.format(root=tmp_path / "file" / "cache")


def test_engines_above_the_cap_are_used_and_pruned_by_the_next_run(run, tmp_path):
    (case,) = run(cache_bytes=0)
    assert isinstance(case.outcome, Measured)
    first = entries(tmp_path)
    assert len(first) == 1
    (case,) = run(cache_bytes=0, latency_ns=[1000])
    assert isinstance(case.outcome, Measured)
    assert len(entries(tmp_path)) == 1
    assert entries(tmp_path) != first


def test_ctrl_c_ends_the_wait_for_another_builder(run, tmp_path, monkeypatch):
    monkeypatch.setattr(Fake, "builds_on_device", False)
    cases = run(latency_ns=[1000, 2000])
    for path in entries(tmp_path):
        (path / "entry.json").unlink()
    lock = Lock.take(tmp_path / "store" / "cache" / "locks" / f"{cases[0].record.engine_key}.lock")
    with pytest.raises(KeyboardInterrupt):
        run(Counter(interrupt=True), latency_ns=[1000, 2000])
    lock.release(remove=True)
    assert [path.name for path in entries(tmp_path)] == [cases[1].record.engine_key]


@pytest.fixture
def copied_code(monkeypatch, tmp_path):
    """The folder of a copy of dyno's code, which `backend_code` then reads."""
    for name in closure.closure_files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((closure.ROOT / name).read_bytes())
    monkeypatch.setattr(closure, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        ("engines/backends/fake.py", {"fake"}),
        ("engines/fake/device.py", {"fake"}),
        ("engines/backends/onnxruntime_cpu.py", {"onnxruntime-cpu"}),
        ("engines/ort/options.py", {"onnxruntime-cpu", "onnxruntime-tensorrt"}),
        ("engines/ort/device/tensorrt_options.py", {"onnxruntime-tensorrt"}),
        ("engines/backends/tensorrt_rtx.py", {"tensorrt-rtx"}),
        ("engines/trt/flavour.py", {"tensorrt", "tensorrt-rtx"}),
        ("engines/registry.py", set()),
        ("harness/timing.py", set()),
    ],
)
def test_the_code_of_a_backend_is_its_own_file_and_its_familys(copied_code, changed, touched):
    names = ("fake", "onnxruntime-cpu", "onnxruntime-tensorrt", "tensorrt", "tensorrt-rtx")
    before = {name: backend_code(name) for name in names}
    assert len(set(before.values())) == len(names)
    path = copied_code / changed
    path.write_bytes(path.read_bytes() + b"# changed")
    assert {name for name in names if backend_code(name) != before[name]} == touched


def another_code(monkeypatch):
    monkeypatch.setattr(module, "backend_code", lambda _: "another")


def weights_outside(monkeypatch):
    real = staging.prepare_models

    def prepare(*arguments):
        models = real(*arguments)
        return {name: replace(model, external_data=True) for name, model in models.items()}

    monkeypatch.setattr(staging, "prepare_models", prepare)


@pytest.mark.parametrize("change", [another_code, weights_outside])
def test_another_code_or_place_of_weights_is_another_engine(run, tmp_path, monkeypatch, change):
    run()
    change(monkeypatch)
    run(observer := Counter())
    assert observer.prepared_as == (1, 1, 1, 0)
    assert len(entries(tmp_path)) == 2


@pytest.mark.parametrize("backend", ["fake", "onnxruntime-cpu"])
def test_an_engine_that_is_deleted_while_the_run_goes_on_is_a_failure_of_the_disk(
    run, tmp_path, backend
):
    if backend == "onnxruntime-cpu":
        pytest.importorskip("onnxruntime")
    (case,) = run(Deleter(tmp_path / "store" / "cache"), backend=[backend])
    key = case.record.engine_key
    path = tmp_path / "store" / "cache" / key[:2] / key / "engine"
    assert case.outcome == Failed(
        kind="disk",
        message=f"{path}: no such file or directory",
        hint="It was there before: run again to have it made anew.",
    )


def test_a_folder_of_the_cache_that_is_deleted_meanwhile_is_named(run, tmp_path):
    locks = tmp_path / "store" / "cache" / "locks"

    class Early(Silent):
        def preparing(self, what, _done, _total):
            if what == "models":
                shutil.rmtree(locks)

    (case,) = run(Early())
    assert re.sub(r"[0-9a-f]{64}", "KEY", case.outcome.message) == (
        f"{locks}/KEY.lock: no such file or directory"
    )
    assert (case.outcome.kind, case.outcome.hint) == ("disk", MEND)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare here")
def test_a_real_engine_on_a_real_small_disk_is_a_failure_of_the_disk(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "disk").mkdir()
    mount = "mount -t tmpfs -o size=300k tmpfs disk || exit 9"
    bench = f"{DYNO} bench lstm --backend onnxruntime-cpu --quick --cache disk/cache"
    script = f"{mount}; {bench}; echo exit $?; ls -A disk/cache/tmp"
    command = ["unshare", "-rm", "sh", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode == 9 or "unshare" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    root = tmp_path / "disk" / "cache"
    more = " (Protobuf serialization failed.)"
    told = f"FAILED (disk): {FULL.format(root=root, more=more)} {MEND}"
    assert told in done.stderr
    assert done.stdout.endswith("exit 1\n")
