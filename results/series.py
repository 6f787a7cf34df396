"""Which of the stored baselines a user means, and whether a new one may be added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from results.database import StoreError
from suites.errors import did_you_mean

if TYPE_CHECKING:
    from results.baseline import Baseline

_TOLD = 4


def newest(baselines: Sequence[Baseline], name: str, suite: str) -> tuple[Baseline, ...]:
    """Return the last baseline of each series of that name and suite.

    There is one series, but for stores that were merged.
    """
    found = [one for one in baselines if (one.name, one.suite) == (name, suite)]
    replaced = {one.replaces for one in found}
    return tuple(one for one in found if one.id not in replaced)


def check_new(record: Baseline, baselines: Sequence[Baseline], *, where: str) -> None:
    """Raise StoreError for a baseline that would stand beside one of its name and suite."""
    last = [one.id for one in newest(baselines, record.name, record.suite)]
    what = f"baseline {record.name!r}{_of(record.suite)}"
    if record.replaces and record.replaces not in last:
        raise StoreError(
            f"{where}: expected the newest {what} to be replaced, got {record.replaces!r}. "
            "List them with 'dyno baseline list'."
        )
    if last and not record.replaces:
        raise StoreError(
            f"{where}: expected a name that is free, got {what}, which is pinned as {last[0]}. "
            "Take another name, or accept a change with "
            f"'dyno baseline rebase {record.name} SUITE'."
        )


def choose_baseline(
    baselines: Sequence[Baseline], name: str, suite: str, *, where: str
) -> Baseline:
    """Return the baseline that a name, or an id, means for a suite. Raises StoreError.

    An interpreter that waits for its first gate stands in for a suite that is not pinned.
    """
    by_id = [one for one in baselines if one.id == name and one.suite in {suite, ""}]
    found = by_id or newest(baselines, name, suite) or newest(baselines, name, "")
    if len(found) == 1:
        return found[0]
    if found:
        raise StoreError(
            f"{where}: expected one series of baseline {name!r}{_of(found[0].suite)}, got "
            f"{len(found)}, which end in {_listed([one.id for one in found])}. "
            "Name one by its id."
        )
    pin = f"Pin one with 'dyno baseline pin {name} SUITE --python PYTHON'."
    suites = sorted({one.suite for one in baselines if name in {one.name, one.id}})
    if suites:
        raise StoreError(
            f"{where}: expected a baseline {name!r} of suite {suite!r}, got one of "
            f"{_listed(suites)}.{did_you_mean(suite, suites)} {pin}"
        )
    known = [one.name for one in baselines]
    raise StoreError(
        f"{where}: expected the name of a baseline, got {name!r}.{did_you_mean(name, known)} {pin}"
    )


def _of(suite: str) -> str:
    return f" of suite {suite!r}" if suite else ""


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _TOLD} more" if len(words) > _TOLD else ""
    return ", ".join(repr(word) for word in words[:_TOLD]) + more
