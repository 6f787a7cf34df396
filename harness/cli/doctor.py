"""`dyno doctor`: what about this machine would spoil numbers, and what mends it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

WARNED = 1
SCHEMA = 1
"""Goes up when a key changes its meaning or goes away, not when one is added."""


class Format(StrEnum):
    """The forms the findings can take."""

    RICH = "rich"
    JSON = "json"


def command(
    form: Annotated[
        Format, typer.Option("--format", help="rich for a terminal, json for programs.")
    ] = Format.RICH,
) -> None:
    """Check what about this machine would spoil numbers.

    Exit code: 0 no warning, 1 a warning.
    """
    from harness.doctor.diagnosis import counts, diagnose
    from harness.doctor.finding import Level
    from harness.doctor.observation import observe

    findings = diagnose(observe())
    if form is Format.JSON:
        import json

        told = {
            "schema": SCHEMA,
            "totals": counts(findings),
            "findings": [finding.to_dict() for finding in findings],
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        from rich.console import Console

        from harness.doctor.drawing import Diagnosis

        Console().print(Diagnosis(findings=findings), crop=False)
    raise typer.Exit(WARNED if counts(findings)[Level.WARNING] else 0)
