"""The benchmark that replays recorded pairs, in small: its bars hold, and would be missed."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "replay_pairs.py"
SMALL = ("--suites", "2", "--draws", "1200")
TABLE = """\
A/A pairs replayed: 2 suites, 1200 draws, seed 0
"""


def test_its_bars_hold():
    done = subprocess.run(
        [sys.executable, SCRIPT, *SMALL], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, TABLE), done.stderr
