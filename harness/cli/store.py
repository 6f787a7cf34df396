"""`dyno store`: merging, pruning, checking and exporting what is stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption
from harness.exit_codes import CASE_FAILED
from suites.errors import SuiteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from results.upkeep.merge import Merged
    from results.upkeep.prune import Pruned
    from results.upkeep.verify import Verified

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Merge, prune, check or export what is stored.",
)

_AGE_S = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_DIGITS = 6
"""Of an age: no store is a million hours old."""
_MOST_TOLD = 40


@group.command("merge")
def merge_command(
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER…", help="Folders of the stores to copy from.")
    ],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Copy the runs, baselines and gates of other stores into this one.

    The other stores are not changed.

    Exit code: 0 all of them are here now, 1 some were refused.
    """
    from harness.alive import live_runs
    from results.store import Store
    from results.upkeep.attach import check_source
    from results.upkeep.merge import merge

    for other in others:
        check_source(other)
    target, refused = Store(store), 0
    for other in others:
        merged = merge(target, other, live=live_runs(store))
        refused += _tell_merged(other, merged)
    raise typer.Exit(CASE_FAILED if refused else 0)


@group.command("prune")
def prune_command(
    raw_older_than: Annotated[
        str,
        typer.Option(
            "--raw-older-than",
            metavar="AGE",
            help="Remove raw timings and logs of runs older than this, such as 12h, 30d or 8w.",
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove what no report needs.

    That is raw timings and logs of old runs, where asked for, and files that no stored case and no
    baseline names.
    Summaries stay, so reports stay as they are. Runs that go on are left alone.

    Exit code: 0 done, 1 damaged cases were left as they are.
    """
    from harness.alive import live_runs
    from results.report.units import size
    from results.upkeep.prune import compact, prune

    age_s = parse_age(raw_older_than, option="--raw-older-than") if raw_older_than else None
    opened, live = open_store(store), live_runs(store)
    pruned = prune(opened, raw_older_than_s=age_s, live=live, dry_run=dry_run)
    lines = _pruned_lines(pruned, "would remove" if dry_run else "removed")
    sys.stdout.writelines(lines if raw_older_than else lines[-1:])
    if not dry_run:
        freed = None if live else compact(opened)
        whom = "runs go on" if live else "others read it"
        sys.stdout.write(
            f"dyno.db keeps its size while {whom}; prune again after them\n"
            if freed is None
            else f"dyno.db is smaller by {size(freed)}\n"
        )
    raise typer.Exit(CASE_FAILED if pruned.problems else 0)


@group.command("verify")
def verify_command(store: StoreOption = DEFAULT_STORE) -> None:
    """Read everything, and say what is damaged.

    Exit code: 0 the store is whole, 1 it is not.
    """
    from results.report.wording import one_line
    from results.upkeep.verify import verify

    found = verify(open_store(store))
    sys.stdout.writelines(f"{one_line(problem)}\n" for problem in found.problems)
    sys.stdout.write(f"{_verified_text(found)}\n")
    raise typer.Exit(CASE_FAILED if found.problems else 0)


@group.command("export")
def export_command(
    folder: Annotated[
        Path, typer.Option("--parquet", metavar="DIR", help="Folder for the Parquet files.")
    ],
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]…", help="Ids, starts of ids or names; all if left out."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write runs with their raw timings as Parquet files.

    They are runs, cases, launches, timings, telemetry, accuracy and verdicts.parquet, a row each, a
    query or a sample. The verdicts of gates belong to no run: they are there where no run is named.
    """
    from results.gates import Gates
    from results.upkeep.export import export

    opened = open_store(store)
    every = [overview.record.id for overview in reversed(opened.runs())]
    chosen = [opened.find_run(text) for text in runs] if runs else every
    gates = [] if runs else [one.record.id for one in reversed(Gates(opened).gates())]
    for name, rows in export(opened, folder, list(dict.fromkeys(chosen)), gates).items():
        sys.stdout.write(f"{folder / name}: {_count(rows, 'row')}\n")


def parse_age(text: str, *, option: str) -> float:
    """Return the seconds of an age such as 30d. Raises SuiteError."""
    number, unit = text[:-1], text[-1:]
    known = number.isascii() and number.isdigit() and unit in _AGE_S
    if not known or len(number) > _DIGITS:
        raise SuiteError(
            f"{option}: expected a number and h, d or w, such as 30d, got {_shortened(text)!r}. "
            f"Write for example {option} 30d."
        )
    return int(number) * _AGE_S[unit]


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_TOLD else f"{text[: _MOST_TOLD - 1]}…"


def _tell_merged(other: Path, merged: Iterable[Merged]) -> int:
    """Print what became of each as it is done, and return how many were refused."""
    from collections import Counter

    from results.report.wording import one_line
    from results.upkeep.merge import Fate

    fates: Counter[Fate] = Counter()
    for one in merged:
        fates[one.fate] += 1
        if one.fate is not Fate.SAME:
            kind = "" if one.kind == "run" else f"{one.kind} "
            told = f"{kind}{one.id} {one.name}: {_fate_text(one)}"
            sys.stdout.write(f"{one_line(told)}\n")
            sys.stdout.flush()
    here = fates[Fate.SAME] + fates[Fate.LONGER_HERE]
    sys.stdout.write(
        f"{other}: {fates[Fate.ADDED]} added, {fates[Fate.EXTENDED]} extended, "
        f"{here} here already, {fates[Fate.REFUSED]} refused\n"
    )
    return fates[Fate.REFUSED]


def _fate_text(one: Merged) -> str:
    from results.upkeep.merge import Fate

    if one.fate is Fate.REFUSED:
        return f"refused: {one.reason}"
    if one.fate is Fate.LONGER_HERE:
        return "here already, with more than there"
    if one.fate is Fate.ADDED:
        came = {word: count for word, count in one.new.items() if word != "outcome"}
        return f"added, {_counts(came)}"
    new = {word: count for word, count in one.new.items() if count}
    return f"extended by {_counts(new) if new else 'its end'}"


def _counts(found: Mapping[str, int]) -> str:
    return ", ".join(_count(count, word) for word, count in found.items())


def _pruned_lines(pruned: Pruned, verb: str) -> list[str]:
    from results.report.units import size
    from results.report.wording import one_line

    launches = _count(pruned.launches, "launch")
    raw = f"raw timings of {launches} of {_count(pruned.runs, 'run')}"
    files = _count(pruned.files, "leftover")
    lines = [
        f"{verb} {raw}, {size(pruned.timings_bytes)}\n",
        f"{verb} {files}, {size(pruned.files_bytes)}\n",
    ]
    if pruned.kept_cases:
        kept = _count(pruned.kept_cases, "open case")
        lines.insert(1, f"left the raw timings of {kept}: their numbers are made of them\n")
    return [*(f"left as it is: {one_line(told)}\n" for told in pruned.problems), *lines]


def _verified_text(found: Verified) -> str:
    counted = (
        f"{_count(found.runs, 'run')}, {_count(found.launches, 'launch')}, "
        f"{_count(found.timings, 'timing')}"
    )
    if found.gates:
        counted += f", {_count(found.gates, 'gate')}, {_count(found.pairs, 'pair')}"
    pruned = f"; {found.pruned} of the launches were pruned" if found.pruned else ""
    if not found.problems:
        return f"store is whole: {counted}{pruned}"
    return f"store is damaged: {_count(len(found.problems), 'problem')}; {counted}{pruned}"


def _count(count: int, word: str) -> str:
    many = f"{word}{'es' if word.endswith('ch') else 's'}"
    return f"{count} {word if count == 1 else many}"
