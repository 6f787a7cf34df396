"""The faces of a gate for a CI: files that were asked for, and what GitHub shows by itself."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.streams import heard_or_not, tell
from suites.errors import SuiteError, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results.gate_record import GateResult
    from results.record import RunResult
    from results.report.verdicts import GateFrame

NOT_ENDED = "the gate did not come to its end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The files that are asked for beside the terminal."""

    junit: Path | None = None
    json: Path | None = None


def claim(faces: Faces, suite: str) -> None:
    """Write into the files that nothing has come of the gate yet.

    So a path that cannot be written is told before anything is measured, and where a night is
    killed no green file of another one is left. Raises SuiteError.
    """
    if faces.json is not None:
        write_file(faces.json, b"{}\n")
    write_broken(faces, suite, NOT_ENDED)


def write_broken(faces: Faces, suite: str, message: str, *, run: RunResult | None = None) -> None:
    """Write into the JUnit file why there is no gate. Raises SuiteError."""
    if faces.junit is None:
        return
    from results.report.junit import broken_suite, document, run_suite

    broken = broken_suite(suite, message, at=time.time())
    write_file(faces.junit, document([*([run_suite(run)] if run else []), broken]))


def write_faces(
    faces: Faces,
    result: GateResult,
    frame: GateFrame,
    *,
    exit_code: int | None = None,
    run: RunResult | None = None,
    times_s: Mapping[str, float] | None = None,
    trouble: str = "",
) -> None:
    """Write the files that are named; in a job of GitHub, annotate it and add to its summary.

    `run`, `times_s` and `trouble` are for the JUnit file: outcomes of a run beside the verdicts,
    what the pairs of a case took, and what went wrong after them. Raises SuiteError.
    """
    if faces.json is not None:
        from results.report.verdict_json import text

        write_file(faces.json, text(result, exit_code=exit_code, alarms=frame.alarms).encode())
    if faces.junit is not None:
        from results.report.junit import broken_suite, document, gate_suite, run_suite

        suites = [run_suite(run)] if run else []
        suites.append(gate_suite(result, times_s=times_s, alarms=frame.alarms))
        if trouble:
            suites.append(broken_suite(result.record.suite, trouble, at=time.time()))
        write_file(faces.junit, document(suites))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(result, frame)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that the user named, its folder made. Raises SuiteError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise SuiteError(
            f"{path}: expected a file that can be written, got one that cannot: {reason(error)}. "
            "Mend that, or name another."
        ) from error


def _tell_github(result: GateResult, frame: GateFrame) -> None:
    """Print annotations on stdout, where the runner reads them, and add to the step's summary."""
    from results.report.github import step_summary, workflow_commands

    with heard_or_not():
        for command in workflow_commands(result, frame.alarms):
            sys.stdout.write(f"{command}\n")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{step_summary(result, frame)}\n")
    except OSError as error:  # nobody asked for it: the exit code says what the verdicts are
        tell(
            f"{summary}: expected a summary that can be written, got one that cannot: "
            f"{reason(error)}. Mend GITHUB_STEP_SUMMARY."
        )
