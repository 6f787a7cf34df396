"""The benchmark that replays recorded pairs, in small."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "replay_pairs.py"
TABLE = """\
A/A pairs replayed: 2 suites, 1200 draws, seed 0
  A/A suites of 100 with any SLOWER or FASTER             0.00 %  <= 1%     ok
    their cases SAME                                    100.00 %
    their pairs, over 5 a case                          100.00 %
  cnn +3% found after 5 pairs                           100.00 %  >= 90%    ok
  cnn +3% found by the last look                        100.00 %  >= 95%    ok
  lstm +3% found after 5 pairs                          100.00 %  >= 90%    ok
  lstm +3% found by the last look                       100.00 %  >= 95%    ok
  +3% in 5 of 100 cases found                           100.00 %  >= 95%    ok
"""


def test_recorded_pairs_raise_no_alarm_and_a_planted_change_is_found():
    command = [sys.executable, SCRIPT, "--suites", "2", "--draws", "1200"]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(TABLE)
    others = [line.split()[-3:] for line in done.stdout.splitlines()[9:]]
    covered = [[">=", bar, "ok"] for bar in ("90%", "90%", "93%")]
    assert others == [*covered, *[["<=", "4%", "ok"]] * 3]
