"""MIG devices that this process cannot see: CUDA shows a process one of them, the one it names."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from engines.contract import Device

_PROGRAM = """
import json
from dataclasses import asdict
from engines.cuda import driver
try:
    print(json.dumps([asdict(device) for device in driver.devices()]))
except driver.DeviceError:
    print("[]")
"""


def look_up(mig_id: str) -> list[Device]:
    """Return the MIG device of that id, asked in a process that sees it alone; else nothing."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": mig_id}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return []
    return [Device(**each) for each in json.loads(done.stdout)]
