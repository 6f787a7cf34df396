"""`dyno cache`: what the cache of engines and converted models holds, and making room in it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.options import (
    DEFAULT_CACHE_SIZE,
    DEFAULT_STORE,
    CacheOption,
    CacheSizeOption,
    StoreOption,
    parse_size,
)
from harness.exit_codes import CASE_FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from engines.cache.folder import CacheFolder
    from engines.cache.prune import Pruned, Use

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, check or clear the engines and models that dyno keeps.",
)

_KEY_DIGITS = 8
_FOLDED = 8
"""How narrow models' names may become."""
_GAP = 2
_AGES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


@group.command("ls")
def list_entries(
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """List the entries, the one used last first.

    An entry that cannot be read is shown as damaged; `dyno cache verify` looks at every byte.
    """
    from engines.cache.prune import uses
    from results.report.units import size

    folder, cap_bytes = _open(store, cache), parse_size(cache_size, option="--cache-size")
    found = uses(folder)[::-1]
    if found:
        _print(_table(found, time.time()))
    total = size(sum(use.bytes for use in found))
    sys.stdout.write(f"{_entries(len(found))}, {total} of {size(cap_bytes)}, in {folder.root}\n")


@group.command("prune")
def prune_entries(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="SIZE",
            help="Leave at most this much; what --cache-size says if left out.",
        ),
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Leave nothing.")] = False,
    store: StoreOption = DEFAULT_STORE,
    cache: CacheOption = None,
    cache_size: CacheSizeOption = DEFAULT_CACHE_SIZE,
) -> None:
    """Remove the entries used longest ago, until the rest fits.

    Those of runs that go on stay. Exit code 2 where the system did not let one go.
    """
    from engines.cache.folder import CacheError
    from engines.cache.prune import prune
    from suites.errors import SuiteError, reason

    if to and everything:
        raise SuiteError(
            f"--to: expected it without --all, got both. Leave out --all, or --to {to}."
        )
    option, text = ("--to", to) if to else ("--cache-size", cache_size)
    to_bytes = 0 if everything else parse_size(text, option=option)
    folder = _open(store, cache)
    try:
        pruned = prune(folder, to_bytes=to_bytes)
    except OSError as error:
        raise CacheError(_refused(error.filename or folder.root, reason(error))) from error
    sys.stdout.write(f"{_pruned_text(pruned)}\n")
    if pruned.stuck:
        raise CacheError(_refused(pruned.stuck[0].path, pruned.stuck[0].reason))


@group.command("verify")
def verify_entries(store: StoreOption = DEFAULT_STORE, cache: CacheOption = None) -> None:
    """Check every byte of every entry.

    Exit code: 0 all are whole, 1 some are damaged.
    """
    from engines.cache.prune import uses

    found = uses(_open(store, cache))
    damaged = [f"{use.path}: {reason}" for use in found if (reason := _damage(use))]
    for line in damaged:
        sys.stdout.write(f"damaged: {line}\n")
    whole = f"{_entries(len(found))}, {len(damaged)} damaged"
    rebuilt = "; dyno makes them again when they are next needed" if damaged else ""
    sys.stdout.write(f"{whole}{rebuilt}\n")
    raise typer.Exit(CASE_FAILED if damaged else 0)


def _open(store: Path, cache: Path | None) -> CacheFolder:
    from engines.cache.folder import open_folder
    from harness.folders import cache_folder

    return open_folder(cache_folder(store, cache))


def _print(table: Table) -> None:
    """Print the table with every column whole; a terminal that is too narrow wraps its lines."""
    from rich.console import Console

    console = Console()
    needed = sum(_GAP + (column.min_width or 0) for column in table.columns) - _GAP
    (Console(width=needed) if needed > console.width else console).print(table)


def _table(found: Sequence[Use], now_s: float) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    from results.report.units import BYTES, scaled

    sizes = scaled([float(use.bytes) for use in found], BYTES)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    heads = ("key", "model", "precision", "backend", f"size {sizes.unit}", "made", "used")
    rows = []
    for use, cell in zip(found, sizes.cells, strict=True):
        *whose, made = _told(use, now_s)
        used = _age(now_s - use.used_ns / 1e9) if use.used_ns else "—"
        rows.append((use.path.name[:_KEY_DIGITS], *whose, cell, made, used))
    for name, column in zip(heads, zip(*rows, strict=True), strict=True):
        width = _FOLDED if name == "model" else max(map(cell_len, (name, *column)))
        table.add_column(name, no_wrap=name != "model", overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _told(use: Use, now_s: float) -> tuple[str, str, str, str]:
    """Return model, precision, backend and age of an entry, as it says; models have no backend."""
    from engines.cache.entry import DamagedError, read_entry
    from results.report.wording import one_line

    try:
        entry = read_entry(use.path)
    except DamagedError:
        return "damaged", "—", "—", "—"
    model, precision = (one_line(entry.about.get(name, "—")) for name in ("model", "precision"))
    backend = one_line(str(entry.fields.get("backend", "a model")))
    return model, precision, backend, _age(now_s - entry.built_at)


def _damage(use: Use) -> str | None:
    """Return what is wrong with an entry; None also where it was removed meanwhile."""
    from engines.cache.entry import DamagedError, verify

    try:
        verify(use.path)
    except DamagedError as error:
        return str(error) if use.path.is_symlink() or use.path.exists() else None
    return None


def _pruned_text(pruned: Pruned) -> str:
    from results.report.units import size

    parts = [f"removed {_entries(pruned.removed)}, {size(pruned.freed_bytes)}"]
    if pruned.in_use:
        parts.append(f"kept {_entries(pruned.in_use)} that runs use now")
    if pruned.stuck:
        parts.append(f"could not remove {_entries(len(pruned.stuck))}")
    parts.append(f"left {_entries(pruned.left)}, {size(pruned.left_bytes)}")
    return "; ".join(parts)


def _refused(path: Path | str, why: str) -> str:
    return (
        f"{path}: expected a place where dyno may remove files, got: {why}. "
        "Mend that, or name another folder with --cache."
    )


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _age(seconds: float) -> str:
    """Return a time span in the unit that suits it, such as `3 h ago`."""
    for length_s, unit in _AGES:
        if seconds >= length_s:
            return f"{int(seconds / length_s)} {unit} ago"
    return "now"
