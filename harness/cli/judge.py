"""What `gate` and `nightly` share: run a gate, draw its progress, print and write its verdicts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.cli.ci import NOT_ENDED, claim, write_broken, write_faces
from harness.cli.main import for_users
from harness.cli.options import parse_size
from harness.cli.streams import heard_or_not, tell
from harness.cli.verdict_lines import make_gate_observer
from harness.environment import describe
from harness.exit_codes import (
    INTERRUPTED,
    NOTHING_JUDGED,
    REGRESSED,
    USAGE,
    conclusion,
    gate_code,
)
from harness.paired.start import gating
from results.report.verdicts import GateFrame, Verdicts, content
from results.store import StoreError
from suites.errors import SuiteError
from suites.matrix import parse_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.cli.ci import Faces
    from harness.paired.gate import Gate
    from results.record import RunResult
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


def _no_alarms(_gate: Gate) -> tuple[str, ...]:
    """Return none, as where no history is asked for."""
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
    over. Raises what `harness.cli.main` tells; the JUnit file then says it, too.
    """
    claim(faces, suite.name)
    interrupted = False
    try:
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
            try:
                gate.execute()
            except KeyboardInterrupt:
                interrupted = True
    except Exception as error:
        write_broken(faces, suite.name, for_users(error) or repr(error), run=run)
        raise
    if interrupted:
        return _tell_part(gate, faces, run)
    return _tell_all(gate, faces, run, alarms)


def _tell_part(gate: Gate, faces: Faces, run: RunResult | None) -> int:
    """Print and write what there is of an interrupted gate; return the exit code."""
    if gate.is_stored:
        _tell(gate, faces, GateFrame(), code=INTERRUPTED, run=run, trouble=NOT_ENDED)
        tell("interrupted: the pairs so far are kept, but judge nothing")
    return INTERRUPTED


def _tell_all(
    gate: Gate, faces: Faces, run: RunResult | None, alarms: Callable[[Gate], tuple[str, ...]]
) -> int:
    """Print and write the verdicts and the alarms; return the exit code.

    Where the history cannot be told, the verdicts are all the same, and a SLOWER stays one.
    """
    told: tuple[str, ...] = ()
    trouble = ""
    try:
        told = alarms(gate)
    except (StoreError, SuiteError, OSError) as error:
        trouble = for_users(error) or str(error)
    cases = gate.gates.read_gate(gate.record.id).cases
    code = gate_code(cases, alarms=len(told))
    ended = conclusion(cases, alarms=len(told))
    if trouble:
        code = REGRESSED if code == REGRESSED else USAGE
        ended = f"{ended}; the history could not be told"
        tell(trouble)
    elif code == NOTHING_JUDGED:
        trouble = "nothing could be judged"
    frame = GateFrame(conclusion=f"{ended}: exit {code}", alarms=told)
    _tell(gate, faces, frame, code=code, run=run, trouble=trouble)
    return code


def _tell(
    gate: Gate, faces: Faces, frame: GateFrame, *, code: int, run: RunResult | None, trouble: str
) -> None:
    """Print the verdicts and write the files."""
    from rich.console import Console

    result = gate.gates.read_gate(gate.record.id)
    framed = replace(frame, machine=describe(result.record.environment))
    with heard_or_not():
        Console().print(Verdicts(content=content(result, framed)))
    write_faces(
        faces, result, framed, exit_code=code, run=run, times_s=gate.times_s, trouble=trouble
    )
