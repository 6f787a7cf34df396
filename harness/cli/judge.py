"""What `gate` and `nightly` share: run a gate, draw its progress, print and write its verdicts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.alive import live_runs
from harness.cli.ci import write_faces
from harness.cli.options import parse_size
from harness.cli.verdict_lines import make_gate_observer
from harness.environment import describe
from harness.exit_codes import INTERRUPTED, conclusion, gate_code
from harness.paired.start import gating
from results.report.verdicts import GateFrame, Verdicts, content
from suites.matrix import parse_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.paired.gate import Gate
    from results.record import RunResult
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The files that are asked for beside the terminal."""

    junit: Path | None = None
    json: Path | None = None


def _no_alarms(_gate: Gate) -> tuple[str, ...]:
    """Tell of no history."""
    return ()


def judge(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    baseline: str,
    kind: str = "gate",
    only: str,
    store: Path,
    wait: bool,
    cache: Path | None,
    cache_size: str,
    device: str,
    faces: Faces,
    run: RunResult | None = None,
    alarms: Callable[[Gate], tuple[str, ...]] = _no_alarms,
) -> int:
    """Run the gate, print and write its verdicts, and return the exit code.

    `run` is written to the JUnit file too; `alarms` tells what the history says once the gate is
    over.
    """
    with (
        make_gate_observer() as observer,
        gating(
            suite,
            vocabulary,
            baseline=baseline,
            kind=kind,
            store=store,
            only=parse_only(only) if only else (),
            wait=wait,
            cache=cache,
            cache_bytes=parse_size(cache_size, option="--cache-size"),
            device=device,
            observer=observer,
        ) as gate,
    ):
        interrupted = False
        try:
            gate.execute()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted and not gate.is_stored:
        return INTERRUPTED
    told = () if interrupted else alarms(gate)
    return _tell(gate, faces, interrupted=interrupted, alarms=told, run=run)


def _tell(
    gate: Gate, faces: Faces, *, interrupted: bool, alarms: tuple[str, ...], run: RunResult | None
) -> int:
    """Print and write the verdicts; return the exit code."""
    from rich.console import Console

    result = gate.gates.read_gate(gate.record.id)
    code = INTERRUPTED if interrupted else gate_code(result.cases, alarms=len(alarms))
    frame = GateFrame(
        machine=describe(result.record.environment),
        conclusion="" if interrupted else conclusion(result.cases, alarms=len(alarms)),
        alarms=alarms,
        live=gate.record.id in live_runs(gate.staging.folders.store),
    )
    Console().print(Verdicts(content=content(result, frame)))
    if interrupted:
        sys.stderr.write("interrupted: the pairs so far are kept, but judge nothing\n")
    write_faces(
        result,
        frame,
        exit_code=code,
        junit=faces.junit,
        json=faces.json,
        run=run,
        times_s=gate.times_s,
    )
    return code
