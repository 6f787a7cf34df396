"""How much of `dyno run smoke` is spent in timed blocks.

Bars: at least 35 % of the wall time; at most 60 s on two cores once installed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cli_speed import dyno
from machine import heading

from results.store import Store


def main() -> None:
    print(heading("dyno run smoke"))
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        subprocess.run(
            [dyno(), "run", "smoke", "--store", folder], check=True, stdout=subprocess.DEVNULL
        )
        wall_s = time.monotonic() - start
        store = Store(Path(folder))
        run = store.read_run(store.find_run(None))
        launches = [
            launch
            for case in run.cases
            for launch in store.launches(run.record.id, case.record.position)
        ]
        timed_s = sum(block.elapsed_ns for launch in launches for block in launch.blocks) / 1e9
    print(f"  cases {len(run.cases)}, launches {len(launches)}")
    print(f"  wall time   {wall_s:6.1f} s   bar: at most 60 s")
    print(f"  timed       {timed_s:6.1f} s = {100 * timed_s / wall_s:.0f} %   bar: at least 35 %")


if __name__ == "__main__":
    sys.exit(main())
