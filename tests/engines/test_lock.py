import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines.lock import Lock, holder, is_held, noted

HOLD = (
    "import sys; from pathlib import Path; from engines.lock import Lock; "
    "lock = Lock.take(Path(sys.argv[1]), holder='the other'); print(lock is not None, flush=True); "
    "sys.stdin.read()"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "it.lock"


@pytest.fixture
def other(path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_a_lock_that_another_process_holds_is_not_had(path, other):
    assert other.poll() is None
    assert Lock.take(path) is None
    assert is_held(path)
    assert holder(path) == "the other"


def test_a_lock_is_free_once_its_holder_is_killed(path, other):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()

    assert not is_held(path)
    assert Lock.take(path) is not None


def test_two_locks_of_one_process_exclude_each_other(path):
    first = Lock.take(path, holder="first")

    assert Lock.take(path) is None
    first.release()
    assert holder(path) == ""
    assert Lock.take(path) is not None


def test_a_shorter_text_leaves_nothing_of_a_longer_one(path):
    Lock.take(path, holder="a long text").release()
    lock = Lock.take(path, holder="short")

    assert holder(path) == "short"
    lock.release()


def test_a_lock_of_a_removed_file_is_not_mistaken_for_the_new_one(path):
    first = Lock.take(path)
    first.release(remove=True)
    assert not path.exists()

    second = Lock.take(path)

    assert path.exists()
    assert Lock.take(path) is None
    second.release()


def test_waiting_ends_when_the_holder_leaves(path, other):
    other.stdin.close()

    lock = Lock.take(path, wait=True)

    assert lock is not None
    lock.release()


def test_what_a_holder_noted_is_read_while_it_holds_the_lock(path):
    lock = Lock.take(path)
    assert noted(path) == frozenset()
    lock.note("ab")
    lock.note("cd")
    assert noted(path) == {"ab", "cd"}
    lock.release()
    assert noted(path) == frozenset()


def test_a_note_that_the_disk_takes_in_half_is_an_error(path, monkeypatch):
    lock = Lock.take(path)
    monkeypatch.setattr(os, "write", lambda _fd, data: len(data) - 1)
    with pytest.raises(OSError, match="No space left on device") as caught:
        lock.note("ab")
    assert caught.value.filename == str(path)
    lock.release()


def test_a_symlink_is_no_lock(path, tmp_path):
    (tmp_path / "target").write_text("precious")
    path.symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match=r"symbolic links"):
        Lock.take(path, holder="overwrites")
    assert (tmp_path / "target").read_text() == "precious"


def test_other_users_may_lock_the_file(path):
    before = os.umask(0o077)
    try:
        lock = Lock.take(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o666
    lock.release()


def test_what_is_not_there_is_held_by_nobody():
    assert not is_held(Path("/nonexistent/x.lock"))
    assert holder(Path("/nonexistent/x.lock")) == ""
