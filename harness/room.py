"""Whether the inputs of a case fit this machine's memory, before they are made."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from harness.machine.cgroup import memory_limit_bytes
from harness.machine.reading import UnknownFactError
from results.record import Skipped
from suites.inputs import inputs_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.machine.reading import Tree
    from suites.case import Case
    from suites.signature import Signature

SHARE = 0.25
"""What inputs may take of the memory: they are drawn wider than they are stored, and loaded."""


def memory_bytes(tree: Tree) -> int | None:
    """Return the machine's memory, or the limit of a control group if that is lower."""
    try:
        total = int(tree.field("proc/meminfo", "MemTotal", ":").split()[0]) * 1024
    except UnknownFactError:
        return None
    with suppress(UnknownFactError):
        limit = memory_limit_bytes(tree)
        return total if limit is None else min(total, limit)
    return total


class Room:
    """Judges the cases of a plan; models' signatures have their `dims` applied."""

    def __init__(self, signatures: Mapping[str, Signature], tree: Tree) -> None:
        self._signatures = signatures
        self._bytes = memory_bytes(tree)
        self._known: dict[tuple[object, ...], Skipped | None] = {}

    def refusal(self, case: Case) -> Skipped | None:
        """Return that the case's inputs are too large, or None."""
        key = (case.model, case.batch, case.dims)
        if key not in self._known:
            self._known[key] = self._judge(case)
        return self._known[key]

    def _judge(self, case: Case) -> Skipped | None:
        wanted = inputs_bytes(self._signatures[case.model], case)
        if self._bytes is None or wanted <= SHARE * self._bytes:
            return None
        return Skipped(
            reason=f"the inputs would take {_gib(wanted)} ({wanted} bytes), more than a quarter of "
            f"this machine's {_gib(self._bytes)}; lower the batch or another dimension"
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
