"""Write `pyXYZ.txt` anew: the newest versions that fit dyno's extras and its group dev.

    python constraints/refresh.py [3.11 3.12 …]

Needs each Python on the PATH as `python3.X`. Only the index is asked; nothing is installed but pip
itself, into a temporary environment. Run `./check` with every Python afterwards.

Of the extra cuda, pycuda is pinned without asking what it needs, since that means to compile it.
The extras tensorrt and tensorrt10 get no pins: their wheels come through another index.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
TOOLS = ("pip", "hatchling", "editables", "setuptools")
COMPILED = "pycuda"
NEEDED_BY_COMPILED = ("mako", "platformdirs", "pytools")
HEADER = (
    "# Written by constraints/refresh.py: extras cpu, accuracy, gpu, cuda, rtx and group dev.\n"
)


def main(pythons: list[str]) -> None:
    """Write the constraints of each Python named, or of all."""
    for python in pythons or PYTHONS:
        pins = resolve(python)
        lines = [f"{name}=={pins[name]}\n" for name in sorted(pins)]
        target = ROOT / "constraints" / f"py{python.replace('.', '')}.txt"
        target.write_text(HEADER + "".join(lines))
        sys.stdout.write(f"{target.relative_to(ROOT)}: {len(lines)} pins\n")


def resolve(python: str) -> dict[str, str]:
    """Return the version of each distribution; where both runtimes share one, the cpu extra's."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        subprocess.run([f"python{python}", "-m", "venv", here / "venv"], check=True)
        run_pip(here, "install", "--quiet", "--upgrade", "pip")
        pins = ask(here, ".[cpu,accuracy,rtx]", "--group", "dev", *TOOLS)
        known = here / "cpu.txt"
        known.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        device = ask(here, ".[gpu]", *NEEDED_BY_COMPILED, "--constraint", known)
        return {COMPILED: newest(here, COMPILED)} | device | pins


def ask(here: Path, *wanted: str | Path) -> dict[str, str]:
    """Return what pip would install into an empty environment, by normalised name."""
    report = here / "report.json"
    quiet = ("--dry-run", "--ignore-installed", "--quiet", "--report", report)
    run_pip(here, "install", *quiet, *wanted)
    found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    pins = {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in found}
    return {name: version for name, version in pins.items() if name != "engine-dyno"}


def newest(here: Path, name: str) -> str:
    """Return the newest version that the index has of a distribution."""
    found: list[str] = json.loads(run_pip(here, "index", "versions", "--json", name))["versions"]
    return found[0]


def run_pip(here: Path, *arguments: str | Path) -> str:
    """Run pip of the environment in `here` from the checkout's root, and return its output."""
    command = [here / "venv" / "bin" / "python", "-m", "pip", *arguments]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
