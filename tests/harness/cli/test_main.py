import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DYNO = str(Path(sys.executable).with_name("dyno"))
GOLDEN = Path(__file__).parents[2] / "results" / "data" / "schema5"
COMMANDS = [("report", "--format", "csv"), ("runs",), ("--help",)]


@pytest.fixture
def dyno(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / ".dyno")

    def run(arguments, stdout):
        told = subprocess.run(
            [DYNO, *arguments], cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE, check=False
        )
        return told.returncode, told.stderr.decode()

    return run


@pytest.mark.parametrize("arguments", COMMANDS)
def test_output_that_has_no_room_is_one_line_and_exit_code_2(dyno, arguments):
    with Path("/dev/full").open("wb") as full:
        assert dyno(arguments, full) == (
            2,
            "stdout: no space left on device. Mend that, or send the output elsewhere.\n",
        )


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_reader_that_has_read_enough_is_no_failure(dyno, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert dyno(arguments, writing) == (0, "")
    finally:
        os.close(writing)


def test_a_closed_stdout_is_no_failure(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / ".dyno")
    told = subprocess.run(
        ["sh", "-c", '"$0" runs >&-', DYNO],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
