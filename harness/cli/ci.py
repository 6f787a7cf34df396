"""The faces of a gate for a CI: files that were asked for, and what GitHub shows by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from results.gate_record import GateResult
    from results.record import RunResult
    from results.report.verdicts import GateFrame


def write_faces(
    result: GateResult,
    frame: GateFrame,
    *,
    exit_code: int | None = None,
    junit: Path | None = None,
    json: Path | None = None,
    run: RunResult | None = None,
    times_s: Mapping[str, float] | None = None,
) -> None:
    """Write the files that are named; in a job of GitHub, annotate it and add to its summary.

    `run` and `times_s` are for the JUnit file: outcomes of a run beside the verdicts, and what the
    pairs of a case took. Raises OSError.
    """
    if json is not None:
        from results.report.verdict_json import text

        made = text(result, exit_code=exit_code, alarms=frame.alarms, live=frame.live)
        _write(json, made.encode())
    if junit is not None:
        from results.report.junit import document, gate_suite, run_suite

        suites = [gate_suite(result, times_s=times_s, alarms=frame.alarms)]
        _write(junit, document([*([run_suite(run)] if run else []), *suites]))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(result, frame)


def _tell_github(result: GateResult, frame: GateFrame) -> None:
    """Print annotations on stdout, where the runner reads them, and add to the step's summary."""
    from results.report.github import step_summary, workflow_commands

    for command in workflow_commands(result, frame.alarms):
        sys.stdout.write(f"{command}\n")
    sys.stdout.flush()
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{step_summary(result, frame)}\n")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
