"""Options that several commands have, and how their texts are split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suites.errors import SuiteError

StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        envvar="DYNO_STORE",
        help="Folder of results, prepared models and logs.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the run, for `dyno report NAME`.")]
QuickOption = Annotated[
    bool,
    typer.Option("--quick", help="3 launches of 0.2 s a case: a glance with wide intervals."),
]
OnlyOption = Annotated[
    str,
    typer.Option(
        "--only",
        metavar="AXIS=VALUE,…",
        help="Run only these cases, such as model=lstm,batch=1; one axis may be named twice.",
    ),
]
DEFAULT_STORE = Path(".dyno")


def split_pairs(texts: list[str], *, option: str) -> dict[str, list[str]]:
    """Return `name=a,b` texts as name → values. Raises SuiteError for one without `=`."""
    pairs: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not (name and equals and values):
            raise SuiteError(
                f"{option}: expected NAME=VALUE[,VALUE…], got {text!r}. "
                f"Write for example {option} sequence=16,128."
            )
        pairs[name] = split_values(values)
    return pairs


def split_values(text: str) -> list[str]:
    """Return the comma-separated parts, trimmed, empty ones left out."""
    return [part.strip() for part in text.split(",") if part.strip()]
