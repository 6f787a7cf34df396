"""A reader that goes away, as `head` does, must turn no exit code green."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

DYNO = Path(sysconfig.get_path("scripts")) / "dyno"
SUITE = """
suite: simulated
models: {tiny: {builtin: mlp, hidden: 8}}
matrix: {model: tiny, backend: fake, batch: 1, failure: build}
measure: {launches: 2, launch_s: 0.05}
"""
CASE = "tiny/fake/fp32/b1/failure=build"
PIN = ("baseline", "pin", "own", "simulated.yaml", "--python", sys.executable)
WRITE = "sys.stdout.write('x')"
RICH = "from rich.console import Console; Console().print('x')"


@pytest.fixture
def unread():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    ("stream", "arguments"),
    [
        ("stdout", ("gate", "simulated.yaml", "--baseline", "own", "--junit", "made.xml")),
        ("stderr", ("nightly", "simulated.yaml", "--baseline", "own", "--junit", "made.xml")),
        ("stdout", ("compare", "simulated.yaml", CASE, CASE)),
        ("stderr", ("run", "simulated.yaml")),
    ],
)
def test_a_measurement_ends_with_its_exit_code_though_nobody_reads_it(
    tmp_path, unread, stream, arguments
):
    (tmp_path / "simulated.yaml").write_text(SUITE)
    subprocess.run([DYNO, *PIN], cwd=tmp_path, check=True, capture_output=True)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: unread}

    told = subprocess.run([DYNO, *arguments], cwd=tmp_path, check=False, **streams)

    assert told.returncode == 1
    if "--junit" in arguments:
        assert f'name="{CASE}"' in (tmp_path / "made.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("printing", [WRITE, RICH], ids=["plain", "rich"])
def test_what_is_printed_after_the_reader_went_away_is_printed_to_nobody(unread, printing):
    program = f"""
import sys
from harness.cli.streams import heard_or_not
with heard_or_not():
    {printing}
sys.stdout.write("more")
sys.stdout.flush()
sys.exit(3)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], stdout=unread, stderr=subprocess.PIPE, check=False
    )

    assert (told.returncode, told.stderr) == (3, b"")


def test_an_exit_of_its_own_passes():
    program = """
import sys
from harness.cli.streams import heard_or_not
with heard_or_not():
    sys.exit(4)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 4
