"""Options that several commands have, and how their texts are split."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from engines.cache import DEFAULT_CAP_BYTES
from harness import folders
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
    typer.Option(
        "--quick",
        help="3 launches of 0.2 s a case, no telemetry: a glance with wide intervals.",
    ),
]
OnlyOption = Annotated[
    str,
    typer.Option(
        "--only",
        metavar="AXIS=VALUE,…",
        help="Run only these cases, such as model=lstm,batch=1; one axis may be named twice.",
    ),
]
WaitOption = Annotated[
    bool,
    typer.Option("--wait", help="Wait where another dyno measures on the same device."),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        envvar="DYNO_DEVICE",
        metavar="DEVICE",
        help="CUDA device: an index, a UUID or a MIG id; the first visible one if left out.",
        show_default=False,
    ),
]
NoTelemetryOption = Annotated[
    bool,
    typer.Option("--no-telemetry", help="Leave out the pass that watches a CUDA device."),
]
NoAccuracyOption = Annotated[
    bool,
    typer.Option("--no-accuracy", help="Leave out the pass that checks the answers."),
]
ResumeOption = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="[RUN]",
        help="Go on with an unfinished run, by default the suite's newest: closed cases stay, "
        "open ones are measured afresh.",
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        envvar="DYNO_CACHE",
        help="Folder of built engines, which several stores may share; STORE/cache if left out.",
        show_default=False,
    ),
]
CacheSizeOption = Annotated[
    str,
    typer.Option(
        "--cache-size",
        envvar="DYNO_CACHE_SIZE",
        metavar="SIZE",
        help="What the engines may take together; those used longest ago go first.",
    ),
]
BaselineOption = Annotated[
    str,
    typer.Option("--baseline", metavar="NAME", help="The name that a side was pinned under."),
]
JunitOption = Annotated[
    Path | None,
    typer.Option("--junit", metavar="FILE", help="Write the verdicts as JUnit XML."),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write every number as JSON."),
]
DEFAULT_STORE = folders.DEFAULT_STORE
DEFAULT_CACHE_SIZE = f"{DEFAULT_CAP_BYTES >> 30}GiB"
_SIZE = re.compile(r"\s*\d+(\.\d+)?\s*[A-Za-z]*\s*", re.ASCII)


class ResumeCommand(TyperCommand):
    """A command whose `--resume` may stand without a value: then it is an empty text."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, a bare `--resume` as `--resume=`."""
        following = [*args[1:], "-"]
        spelled = [
            "--resume=" if word == "--resume" and after.startswith("-") else word
            for word, after in zip(args, following, strict=False)
        ]
        return super().parse_args(ctx, spelled)


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


def parse_size(text: str, *, option: str) -> int:
    """Return the bytes that a text such as `10GiB` means. Raises SuiteError."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        if _SIZE.fullmatch(text):  # pydantic takes a text that only begins with a size
            return TypeAdapter(ByteSize).validate_python(text)
    except (ValidationError, OverflowError):
        pass
    raise SuiteError(
        f"{option}: expected a size such as 10GiB or 500MB, got {text!r}. "
        f"Write a number, 1.5 with a point, then B, kB, KiB, MB, MiB, GB, GiB, TB or TiB."
    )


def split_values(text: str) -> list[str]:
    """Return the comma-separated parts, trimmed, empty ones left out."""
    return [part.strip() for part in text.split(",") if part.strip()]
