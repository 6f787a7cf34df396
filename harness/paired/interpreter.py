"""The interpreter that a side lives under: found, and asked what its environment has."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.child import Child, ChildError
from harness.machine.software import PACKAGES
from results.report.wording import sentences
from suites.errors import reason

if TYPE_CHECKING:
    from harness.folders import Folders

OLDEST = (3, 11)
"""The first Python with `-P`, which the worker is started with."""
_VERSION_S = 10.0
_UNUSED = "onnx"
"""Models are prepared in dyno's own environment: a worker never imports it."""
_ENOUGH = "The runtime is enough there, without dyno."
"""Backends tell how to install dyno, as if it were missing here."""
_NO_NUMPY = "No module named 'numpy'"


class InterpreterError(Exception):
    """An interpreter cannot be used for a side. One line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """An interpreter that can run dyno's worker.

    `versions` are of Python, numpy and the runtimes there; `missing` says why a backend cannot run
    there.
    """

    python: str
    versions: Mapping[str, str]
    missing: Mapping[str, str]

    def lacking(self, backend: str) -> str | None:
        """Return why the backend cannot run there, or None."""
        if backend not in self.missing:
            return None
        return f"{self.python}: {backend}: {sentences(self.missing[backend], _ENOUGH)}"


def absolute(python: str) -> str:
    """Return the absolute path of an interpreter, not resolved: environments are found by links.

    `python` is a path, the folder of a virtual environment, or a word found on PATH. Raises
    InterpreterError where there is none that may be executed.
    """
    given = Path(python).expanduser()
    inside = given / "bin" / "python"
    if python and os.path.lexists(inside):
        found = inside
    elif python and os.sep not in python and (named := shutil.which(python)):
        found = Path(named)
    else:
        found = given
    path = str(found.absolute()) if python else python
    _check(path)
    return path


def probe(
    python: str,
    backends: Sequence[str],
    *,
    closure: Path,
    folders: Folders,
    timeout_s: float = 60.0,
) -> Interpreter:
    """Return what the interpreter's environment has for these backends; imports no runtime there.

    `python` is absolute. Raises InterpreterError for one that cannot run the worker.
    """
    _check(python)
    log = folders.log("interpreter")
    try:
        with Child("harness.worker", path=closure, log=log, python=python) as child:
            told = child.ask(
                "inventory",
                timeout_s=timeout_s,
                backends=list(backends),
                distributions=[name for name in PACKAGES if name != _UNUSED],
            ).header
    except ChildError as error:
        raise InterpreterError(_explained(python, error, timeout_s)) from error
    return Interpreter(python=python, versions=told["versions"], missing=told["missing"])


def _check(python: str) -> None:
    """Raise InterpreterError for what is no file that may be executed."""
    path = Path(python)
    if not python:
        problem = "got an empty path. Name one, such as .venv/bin/python."
    elif path.is_symlink() and not path.exists():
        problem = (
            f"got a link to {str(path.readlink())!r}, which is gone. "
            "Bring that Python back, or make the environment anew."
        )
    elif not path.exists():
        problem = "got nothing there. Name another, or make the environment anew."
    elif path.is_dir():
        problem = "got a folder without bin/python. Name that of a virtual environment."
    elif not (path.is_file() and os.access(path, os.X_OK)):
        problem = "got a file that may not be executed. Name an interpreter."
    else:
        return
    raise InterpreterError(f"{python or repr(python)}: expected a Python interpreter, {problem}")


def _explained(python: str, error: ChildError, timeout_s: float) -> str:
    """Return what it means that the worker did not answer."""
    runs = f"{python}: expected an interpreter that runs dyno's worker"
    if error.kind == "timeout":
        return f"{runs}, got no answer within {timeout_s:g} s. Run it by hand to see why."
    told = _told_version(python)
    version = re.match(r"Python (\d+)\.(\d+)", told)
    if version is None:
        says = repr(told) if told else "nothing"
        return (
            f"{python}: expected a Python interpreter, got a program that says {says} to "
            "--version. Name an interpreter, such as .venv/bin/python."
        )
    if (int(version[1]), int(version[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return (
            f"{python}: expected Python {oldest} or newer, got {told!r}. "
            "Make the environment anew with a newer one."
        )
    if _NO_NUMPY in error.hint:
        return (
            f"{python}: expected numpy and the backends' runtimes there, got no numpy. "
            f"Run `{python} -m pip install numpy`, and install the runtimes."
        )
    return f"{runs}, got {error.message}. Mend that environment, or make it anew. {error.hint}"


def _told_version(python: str) -> str:
    """Return the first line that the program answers to --version, or why it does not run."""
    try:
        asked = subprocess.run(
            [python, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_S,
            check=False,
        )
    except OSError as error:
        return reason(error)
    except subprocess.TimeoutExpired:
        return ""
    return asked.stdout.decode(errors="replace").strip().partition("\n")[0]
