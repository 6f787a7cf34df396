import errno
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engines.cache import cache as module
from engines.cache.cache import Draft, EngineCache, GivenUpError
from engines.cache.entry import BadBuildError, verify
from engines.lock import Lock, noted

KILLED_ANYWHERE = """
import os, signal, sys
from pathlib import Path
from engines.cache.cache import Draft, EngineCache, Request
from engines.cache.entry import DamagedError, verify
from engines.cache.prune import prune

root, damaged = Path(sys.argv[1]), sys.argv[2] == "damaged"
request = Request(fields={"n": 1}, about={}, dyno_version="1")

def build(path):
    path.write_bytes(b"plan")
    path.with_name("engine.data").write_bytes(b"weights")
    return Draft(facts={}, build_ns=1)

def killed_at(step):
    seen = -1
    def hook(event, arguments):
        nonlocal seen
        if event.startswith(("open", "os.", "fcntl.", "shutil.")):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    pid = os.fork()
    if pid == 0:
        sys.addaudithook(hook)
        cache.obtain(request, build)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL

cache = EngineCache.make(root)
step = 0
states = set()
while True:
    entry = cache.folder.entry(request.key)
    if damaged:
        cache.obtain(request, build)
        (entry / "engine").write_bytes(b"PLAN")
    killed = killed_at(step)
    try:
        verify(entry)
        states.add("whole")
    except DamagedError as error:
        states.add(str(error))
    assert verify(cache.obtain(request, build).path.parent).bytes == 11
    prune(cache.folder, to_bytes=0)
    left = [path for path in root.rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["CACHEDIR.TAG", "cache.json"], left
    if not killed:
        break
    step += 1
print(step > 20, *sorted(states), sep="|")
"""
BUILDS_ONCE = """
import sys
from pathlib import Path
from engines.cache.cache import Draft, EngineCache, Request

def build(path):
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    path.write_bytes(bytes(1 << 20))
    return Draft(facts={}, build_ns=1)

cache = EngineCache.make(Path(sys.argv[1]))
print("up", flush=True)
sys.stdin.readline()
with cache.in_use():
    found = [cache.obtain(Request(fields={"n": n}, about={}, dyno_version="1"), build)
             for n in range(5)]
print(sum(not each.cached for each in found))
"""


def test_an_engine_is_built_once_and_then_found(cache, wanted, builder):
    build = builder(more={".data": b"weights"})
    first = cache.obtain(wanted(), build)
    second = cache.obtain(wanted(), build)
    assert (first.cached, second.cached, build.builds) == (False, True, 1)
    assert first.entry == second.entry
    assert first.path == second.path
    assert second.path.read_bytes() == b"plan"
    assert second.path.with_name("engine.data").read_bytes() == b"weights"
    assert first.damage is second.damage is None


def test_another_cache_object_finds_it_too(cache, wanted, builder, tmp_path):
    cache.obtain(wanted(), builder())
    again = EngineCache.make(tmp_path / "cache")
    assert again.obtain(wanted(), builder(b"other")).path.read_bytes() == b"plan"


def test_another_key_is_another_engine(cache, wanted, builder):
    cache.obtain(wanted(), builder())
    found = cache.obtain(wanted(runtime="2.0"), builder(b"other"))
    assert not found.cached
    assert found.path.read_bytes() == b"other"


def test_a_damaged_engine_is_built_again_and_told_and_the_others_are_not(cache, wanted, builder):
    build = builder()
    spared = cache.obtain(wanted("gru"), build).path
    hit = cache.obtain(wanted(), build).path
    hit.write_bytes(b"plaN")
    again = cache.obtain(wanted(), build)
    assert (again.cached, again.damage) == (False, "engine: checksum differs")
    assert again.path.read_bytes() == b"plan"
    assert cache.obtain(wanted("gru"), build).path == spared
    assert build.builds == 3
    assert cache.obtain(wanted(), build).damage is None
    assert list(cache.folder.tmp.iterdir()) == []


def test_a_link_in_the_place_of_an_entry_is_replaced_not_followed(cache, wanted, builder, tmp_path):
    path = cache.folder.entry(wanted().key)
    cache.obtain(wanted(), builder())
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    found = cache.obtain(wanted(), builder(b"other"))
    assert found.damage == "the entry is a link"
    assert not path.is_symlink()
    assert (tmp_path / "elsewhere" / "engine").read_bytes() == b"plan"


def test_a_failed_build_leaves_nothing(cache, wanted, builder):
    def fail(path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.obtain(wanted(), fail)
    assert list(cache.folder.tmp.iterdir()) == list(cache.folder.entries()) == []
    assert list(cache.folder.locks.iterdir()) == []
    assert not cache.obtain(wanted(), builder()).cached


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (lambda _: None, "build: expected an engine, got no file"),
        (lambda path: path.touch(), "build: expected an engine, got an empty file"),
        (
            lambda path: path.with_name("notes").touch(),
            "build: expected files whose names begin with 'engine', got 'notes'",
        ),
        (
            lambda path: path.mkdir(),
            "build: expected files whose names begin with 'engine', got 'engine'",
        ),
    ],
)
def test_a_build_that_leaves_no_engine_is_told(cache, wanted, builder, leave, told):
    build = builder()

    def bad(path):
        draft = build(path)
        path.unlink()
        leave(path)
        return draft

    with pytest.raises(BadBuildError) as error:
        cache.obtain(wanted(), bad)
    assert str(error.value) == told
    assert list(cache.folder.tmp.iterdir()) == list(cache.folder.entries()) == []


def test_a_fact_that_is_no_number_is_told(cache, wanted):
    def bad(path):
        path.write_bytes(b"plan")
        return Draft(facts={"layers": 3, "share": math.nan}, build_ns=1)

    with pytest.raises(BadBuildError) as error:
        cache.obtain(wanted(), bad)
    assert str(error.value) == (
        "build: expected facts that are finite numbers or texts, got {'layers': 3, 'share': nan}"
    )
    assert list(cache.folder.tmp.iterdir()) == list(cache.folder.entries()) == []


def test_a_run_notes_what_it_looked_up_until_it_ends(cache, wanted, builder):
    cache.obtain(wanted("gru"), builder())
    with cache.in_use():
        for model in ("lstm", "rnn", "lstm"):
            cache.obtain(wanted(model), builder())
        (user,) = cache.folder.users.iterdir()
        assert noted(user) == {wanted("lstm").key, wanted("rnn").key}
    assert list(cache.folder.users.iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing(cache, wanted, builder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_entry", full)
    with pytest.raises(OSError, match="No space left on device"):
        cache.obtain(wanted(), builder())
    assert list(cache.folder.tmp.iterdir()) == list(cache.folder.entries()) == []


def test_all_files_are_on_the_disk_before_the_entry_is_in_its_place(
    cache, wanted, builder, monkeypatch
):
    synced = []
    entry = cache.folder.entry(wanted().key)

    def fsync(fd):
        synced.append((str(Path(f"/proc/self/fd/{fd}").readlink()), entry.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    cache.obtain(wanted(), builder(more={".data": b"weights"}))
    before = [path.rpartition("/")[2] for path, there in synced if not there]
    assert sorted(before[:-1]) == ["engine", "engine.data", "entry.json"]
    assert before[-1].startswith(wanted().key)
    root = cache.folder.root
    assert [path for path, there in synced if there] == [str(entry.parent), str(root)]


def test_threads_that_want_the_same_engine_build_it_once(cache, wanted, builder):
    build = builder(bytes(1 << 20))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.obtain(wanted(), build), range(8)))
    assert build.builds == 1
    assert sorted(each.cached for each in found) == [False] + [True] * 7


def test_processes_that_start_on_an_empty_cache_build_each_engine_once(tmp_path):
    log = tmp_path / "log"
    command = [sys.executable, "-c", BUILDS_ONCE, tmp_path / "cache", log]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in started] == ["up\n"] * 3
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in started]
    assert sum(counts) == len(log.read_text().splitlines()) == 5


def test_a_wait_for_another_builder_ends_when_it_is_given_up(cache, wanted, builder):
    lock = Lock.take(cache.folder.lock(wanted().key))
    asked = []

    def given_up():
        asked.append(1)
        return len(asked) == 2

    build = builder()
    with pytest.raises(GivenUpError):
        cache.obtain(wanted(), build, given_up=given_up)
    assert (len(asked), build.builds) == (2, 0)
    lock.release(remove=True)
    assert not cache.obtain(wanted(), build).cached


@pytest.mark.parametrize(
    ("before", "states"),
    [
        ("empty", {"the entry is missing", "whole"}),
        ("damaged", {"engine: checksum differs", "the entry is missing", "whole"}),
    ],
)
def test_a_builder_killed_between_any_two_steps_leaves_no_half_entry(tmp_path, before, states):
    command = [sys.executable, "-c", KILLED_ANYWHERE, tmp_path / "cache", before]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    many, *found = done.stdout.strip().split("|")
    assert many == "True"
    assert set(found) == states


def test_a_use_is_noted_by_the_time_of_the_description(cache, wanted, builder):
    path = cache.obtain(wanted(), builder()).path.with_name("entry.json")
    os.utime(path, ns=(0, 0))
    cache.obtain(wanted(), builder())
    assert path.stat().st_mtime_ns > 0
    assert verify(path.parent)
