"""A whole run on a disk that fills up, and on one that may only be read: real small file systems.

They are mounted in a namespace of their own; where the kernel grants none, the tests are skipped.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DYNO = str(Path(sys.executable).with_name("dyno"))
SUITE = """
suite: filling
models:
  tiny: {builtin: mlp, hidden: 8, features: 8}
matrix:
  model: tiny
  backend: fake
  batch: 1
  latency_ns: [LATENCIES]
measure: {launches: 2, launch_s: 0.02}
"""
CASES = 20
LEFT_KIB = 92
"""Room for some of the cases, not for all."""
CHECK = (
    "import sqlite3; found = sqlite3.connect('disk/store/dyno.db'); "
    "print(found.execute('PRAGMA integrity_check').fetchone()[0])"
)


@pytest.fixture
def on_small_disk(tmp_path):
    """Run shell lines where `./disk` is a new tmpfs; returns their output."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    (tmp_path / "disk").mkdir()
    latencies = ", ".join(str(1_000_000 + case) for case in range(CASES))
    (tmp_path / "filling.yaml").write_text(SUITE.replace("LATENCIES", latencies))

    def call(*lines, size):
        mount = f"mount -t tmpfs -o size={size} tmpfs disk"
        possible = subprocess.run(
            ["unshare", "-rm", "sh", "-c", mount], cwd=tmp_path, check=False, capture_output=True
        )
        if possible.returncode:
            pytest.skip(f"no mounts here: {possible.stderr.decode().strip()}")
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", "\n".join((f"{mount} || exit 9", *lines))],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.mark.slow
def test_a_run_whose_disk_fills_up_says_so_and_is_resumed_once_there_is_room(on_small_disk):
    run = f"{DYNO} run filling.yaml --store disk/store --cache cache"
    free = "df --output=avail -k disk | tail -n 1"
    told = on_small_disk(
        f"{run} --only latency_ns=1000000 >first.out 2>first.err",
        f"dd if=/dev/zero of=disk/filler bs=1k count=$(($({free}) - {LEFT_KIB})) 2>dd.err",
        f"{run} >disk.out 2>disk.err",
        'echo "code $?"',
        f'{sys.executable} -c "{CHECK}"',
        "rm disk/filler",
        f"{run} --resume >resumed.out 2>resumed.err",
        'echo "code $?"',
        "tail -n 1 disk.err",
        f"{DYNO} report --store disk/store --format json",
        size="4m",
    )
    first, whole, second, error, report = told.split("\n", 4)

    assert (first, whole, second) == ("code 2", "ok", "code 0")
    assert error == (
        "disk/store/dyno.db: expected room on the disk, got none. Free space, or name "
        "another folder with --store. What was measured is kept; go on with --resume."
    )
    cases = json.loads(report)["cases"]
    assert len(cases) == CASES
    assert {case["outcome"]["outcome"] for case in cases} == {"measured"}


def test_a_run_into_a_store_that_may_only_be_read_is_a_usage_error(on_small_disk):
    told = on_small_disk(
        "mkdir disk/store",
        "mount -o remount,ro disk",
        f"{DYNO} run filling.yaml --store disk/store 2>&1",
        'echo "code $?"',
        size="2m",
    )
    error, code, _ = told.split("\n", 2)

    assert code == "code 2"
    assert error.startswith("disk/store"), error
    assert error.endswith(" or name another folder with --store.")
