"""The processes of a machine at one moment, and the CPU time they have had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from harness.machine.reading import Tree, UnknownFactError

_Read = TypeVar("_Read")

TICKS_PER_S = 100
"""USER_HZ, in which Linux tells CPU times on every architecture that dyno runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process; CPU time in ticks of 1/100 s, `threads` by thread id, empty for a single one.

    `started` [ticks after boot] tells it from a later process of the same number.
    """

    pid: int
    parent: int
    name: str
    started: int
    ticks: int
    threads: Mapping[int, int]


def read_processes(tree: Tree) -> dict[int, Process]:
    """Return the processes that can be seen, by pid. Raises UnknownFactError without a /proc.

    A process whose files are gone or make no sense is left out: processes end while one reads.
    """
    return _readable(tree.names("proc"), lambda pid: _process(tree, pid))


def own_pid(tree: Tree) -> int:
    """Return the number of this process as the tree's /proc counts. Raises UnknownFactError."""
    first = tree.text("proc/self/stat").partition(" ")[0]
    try:
        return int(first)
    except ValueError as error:
        raise UnknownFactError(f"/proc/self/stat: expected a number, got {first!r}") from error


def family(processes: Mapping[int, Process], pid: int) -> frozenset[int]:
    """Return the process and all that descend from it."""
    members = {pid}
    size = 0
    while size < len(members):
        size = len(members)
        members |= {each.pid for each in processes.values() if each.parent in members}
    return frozenset(members)


def _process(tree: Tree, pid: int) -> Process:
    name, fields = _stat(tree, f"proc/{pid}/stat")
    return Process(
        pid=pid,
        parent=int(fields[1]),
        name=name,
        started=int(fields[19]),
        ticks=_ticks(fields),
        threads=_threads(tree, pid) if int(fields[17]) > 1 else {},
    )


def _threads(tree: Tree, pid: int) -> dict[int, int]:
    folder = f"proc/{pid}/task"
    if not tree.has(folder):
        return {}
    return _readable(tree.names(folder), lambda tid: _ticks(_stat(tree, f"{folder}/{tid}/stat")[1]))


def _readable(names: Iterable[str], read: Callable[[int], _Read]) -> dict[int, _Read]:
    """Return what is read of each number among the names, without those that cannot be."""
    found: dict[int, _Read] = {}
    for number in map(int, filter(str.isdecimal, names)):
        with suppress(UnknownFactError, ValueError, LookupError):
            found[number] = read(number)
    return found


def _stat(tree: Tree, path: str) -> tuple[str, list[str]]:
    """Return the name and the fields from the third on; a name may hold spaces and brackets."""
    head, bracket, rest = tree.text(path).rpartition(")")
    if not bracket:
        raise ValueError(path)
    return head.partition("(")[2], rest.split()


def _ticks(fields: list[str]) -> int:
    """Return user and system time, fields 14 and 15 of proc(5)."""
    return int(fields[11]) + int(fields[12])
