"""How long the command line takes to answer.

Bars: `dyno --help` at most 0.15 s; `dyno plan` of 10 000 cases at most 1.5 s to exit.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import heading

TURNS = 15
SUITE = """
suite: many
models:
{models}
matrix:
  model: [{names}]
  backend: onnxruntime-cpu
  batch: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  sequence: [8, 16, 24, 32, 40, 48, 56, 64, 72, 80]
  threads: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
"""


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def dyno() -> str:
    beside = Path(sys.executable).with_name("dyno")
    found = str(beside) if beside.exists() else shutil.which("dyno")
    if found is None:
        raise RuntimeError("dyno: expected it beside this Python or on the PATH")
    return found


def report(title: str, taken: list[float], bar_s: float) -> None:
    print(
        f"  {title:<28}{statistics.median(taken) * 1e3:6.0f} ms, "
        f"quickest {min(taken) * 1e3:.0f} ms, median of {len(taken)}; bar {bar_s * 1e3:.0f} ms"
    )


def main() -> None:
    print(heading("The command line"))
    names = [f"m{number}" for number in range(10)]
    models = "\n".join(f"  {name}: {{builtin: lstm}}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "many.yaml"
        suite.write_text(SUITE.format(models=models, names=", ".join(names)), encoding="utf-8")
        python = [seconds(sys.executable, "-c", "pass") for _ in range(TURNS)]
        print(f"  python -c pass              {statistics.median(python) * 1e3:6.0f} ms")
        report("dyno --help", [seconds(dyno(), "--help") for _ in range(TURNS)], 0.15)
        plans = [seconds(dyno(), "plan", str(suite)) for _ in range(TURNS // 3)]
        report("dyno plan, 10 000 cases", plans, 1.5)


if __name__ == "__main__":
    sys.exit(main())
