"""All checks together: the findings, how many of each level, and those that a run keeps."""

from __future__ import annotations

from collections.abc import Sequence

from harness.doctor.check import all_checks
from harness.doctor.finding import Finding, Level
from harness.doctor.observation import Observation, observe

_PLURALS = {Level.WARNING: "warnings", Level.NOTE: "notes"}


def diagnose(seen: Observation) -> tuple[Finding, ...]:
    """Return what the checks find, the worst first."""
    found = [finding for check in all_checks() for finding in check(seen)]
    levels = list(Level)
    return tuple(sorted(found, key=lambda finding: levels.index(finding.level)))


def counts(findings: Sequence[Finding]) -> dict[Level, int]:
    """Return how many findings there are of each level."""
    return {level: sum(finding.level is level for finding in findings) for level in Level}


def totals(findings: Sequence[Finding]) -> str:
    """Return the counts as a line such as `2 warnings, 1 note, 9 ok, 4 unknown`."""
    return ", ".join(
        f"{count} {level if count == 1 else _PLURALS.get(level, level)}"
        for level, count in counts(findings).items()
    )


def kept(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return the findings that are stored with a run, JSON-ready: all that are not ok."""
    return [finding.to_dict() for finding in findings if finding.level is not Level.OK]


def examine() -> list[dict[str, str]]:
    """Look at this machine for half a second and return the findings to store with a run."""
    return kept(diagnose(observe()))
