"""Write `pyXYZ.txt` anew: the newest versions that fit dyno's extras `cpu` and `gpu` and group dev.

    python constraints/refresh.py [3.11 3.12 …]

Needs each Python on the PATH as `python3.X`. Only the index is asked; nothing is installed but pip
itself, into a temporary environment. Run `./check` with every Python afterwards.
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
TOOLS = ("pip", "hatchling", "editables")
HEADER = "# Written by constraints/refresh.py: what extras cpu and gpu and group dev install.\n"


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
        run_pip(here, "--quiet", "--upgrade", "pip")
        pins = ask(here, ".[cpu]", "--group", "dev", *TOOLS)
        known = here / "cpu.txt"
        known.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        return ask(here, ".[gpu]", "--constraint", known) | pins


def ask(here: Path, *wanted: str | Path) -> dict[str, str]:
    """Return what pip would install into an empty environment, by normalised name."""
    report = here / "report.json"
    run_pip(here, "--dry-run", "--ignore-installed", "--quiet", "--report", report, *wanted)
    found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    pins = {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in found}
    return {name: version for name, version in pins.items() if name != "engine-dyno"}


def run_pip(here: Path, *arguments: str | Path) -> None:
    """Run `pip install` of the environment in `here`, from the checkout's root."""
    command = [here / "venv" / "bin" / "python", "-m", "pip", "install", *arguments]
    subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
