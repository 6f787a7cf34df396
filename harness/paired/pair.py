"""One pair: two live sides of a case that take turns, block by block, never both at once."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.blocks import block_length
from harness.child import ChildError
from harness.environment import readings
from harness.launch import warm_worker
from harness.outcome import check_outputs, failed
from harness.paired.disturbance import Disturbance
from harness.paired.side_launch import block_time_ns, resolved, side_launch
from harness.protocol import BLOCK_QUERIES, BLOCK_S
from results.compare import QUADS
from results.paired import BASELINE, CANDIDATE, PairRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.launch import Warm
    from harness.paired.side import Side
    from harness.wire import Message
    from results.record import Failed, Protocol

ABBA = (BASELINE, CANDIDATE, CANDIDATE, BASELINE)
BAAB = (CANDIDATE, BASELINE, BASELINE, CANDIDATE)
TIMEOUT_S = 10.0
TIMEOUT_BLOCKS = 20
"""A block that takes longer than both this many times what it should and TIMEOUT_S hangs."""
_HUNG = "It ran before: look for what stops the query, or for a machine that slept."


class SideError(Exception):
    """A side failed, died or hung; `role` says which, `error` how."""

    def __init__(self, role: str, error: ChildError) -> None:
        super().__init__(f"{role}: {error.message}")
        self.role = role
        self.error = error

    @property
    def outcome(self) -> Failed:
        """Return the failure of the case, its message beginning with the side."""
        return replace(failed(self.error), message=str(self))


class LiveSide:
    """A side whose worker is warm and waits. Whatever it is asked raises SideError."""

    def __init__(self, side: Side, warm: Warm) -> None:
        self.side = side
        self.warm = warm
        self.protocol: Protocol = resolved(side, warm)
        self._block_s = BLOCK_S
        self._queries = BLOCK_QUERIES
        self._expected_s = max(BLOCK_S, BLOCK_QUERIES * warm.warmed.header["query_ns"] / 1e9)

    def settle(self) -> None:
        """Run the block that is discarded, and size all those that count.

        Their number of queries is then fixed: a block does the same work every time, whatever the
        machine's mood. It is by the faster of this block and the end of the warm-up: either may
        have met a slow moment, and blocks would be too short. It is each side's own: medians of
        blocks are compared, which do not depend on their number, while a number for both would
        make the blocks of the slower side longer, and the two would see different noise.
        """
        warm_ns = self.warm.warmed.header["query_ns"]
        query_ns = min(block_time_ns(self.block(), self.protocol), warm_ns)
        self._queries = block_length(BLOCK_S, BLOCK_QUERIES, query_ns)
        self._block_s = 0.0
        self._expected_s = self._queries * query_ns / 1e9

    def block(self) -> Message:
        """Return the answer to exactly one block."""
        limit_s = self.side.workplace.measure.timeout_s
        try:
            return self.ask(
                "block",
                timeout_s=min(limit_s, max(TIMEOUT_S, TIMEOUT_BLOCKS * self._expected_s)),
                block_s=self._block_s,
                block_queries=self._queries,
                total_s=0.0,
            )
        except SideError as error:
            if error.error.kind == "timeout":
                raise SideError(error.role, self._hung(error.error)) from error
            raise

    def check(self) -> None:
        """Raise SideError for outputs that are nonsense."""
        arrays = self.ask("outputs").arrays
        try:
            check_outputs(arrays)
        except ChildError as error:
            raise SideError(self.side.role, error) from error

    def ask(self, verb: str, *, timeout_s: float | None = None, **fields: Any) -> Message:
        """Return the worker's answer to a verb, within the suite's time if not another."""
        limit_s = self.side.workplace.measure.timeout_s if timeout_s is None else timeout_s
        try:
            return self.warm.child.ask(verb, timeout_s=limit_s, **fields)
        except ChildError as error:
            raise SideError(self.side.role, error) from error

    def _hung(self, error: ChildError) -> ChildError:
        message = f"{error.message}, for a block of {self._expected_s:.2g} s"
        return ChildError("timeout", message, _HUNG)


@contextmanager
def live(side: Side) -> Iterator[LiveSide]:
    """Yield the side with a fresh worker that is open and warm. Raises SideError."""
    try:
        with warm_worker(side.ready, side.own_workplace) as warm:
            yield LiveSide(side, warm)
    except ChildError as error:
        raise SideError(side.role, error) from error


def turns(quads: int) -> tuple[str, ...]:
    """Return whose each block is: ABBA, BAAB, ABBA and so on, A being the baseline.

    Within a quad a drift that is a line falls on both sides alike, and over two quads one that
    bends, too.
    """
    return tuple(role for quad in range(quads) for role in (ABBA, BAAB)[quad % 2])


def run_pair(
    baseline: Side, candidate: Side, *, phase: str, number: int, quads: int = QUADS
) -> PairRecord:
    """Return the pair's record. Raises SideError; both workers are gone then.

    Each side starts and warms up wholly before the other is started, the baseline first where
    `number` is even. The first pair of a case checks what its sides answer. The parent only blocks
    on the wire while a side computes.
    """
    started_at, before = time.time(), readings()
    order = (baseline, candidate) if number % 2 == 0 else (candidate, baseline)
    device = Disturbance(baseline.watch if baseline.watch is candidate.watch else None)
    with ExitStack() as stack:
        sides: dict[str, LiveSide] = {}
        for side in order:
            sides[side.role] = stack.enter_context(live(side))
            device.arrived(sides[side.role].warm.pid)
        for each in sides.values():
            each.settle()
        device.read()
        before |= device.covariates()
        blocks = _take_turns(sides, turns(quads), device)
        after = device.covariates()
        if (phase, number) == ("look", 0):
            for each in sides.values():
                each.check()
        closed = {role: each.ask("close") for role, each in sides.items()}
    disturbed, clocks = _by_role(device, turns(quads))
    launches = {
        role: side_launch(each.side, each.warm, blocks[role], closed[role], disturbed[role])
        for role, each in sides.items()
    }
    return PairRecord(
        phase=phase,
        number=number,
        started_at=started_at,
        first=order[0].role,
        baseline=launches[BASELINE],
        candidate=launches[CANDIDATE],
        watched=disturbed[BASELINE] is not None,
        covariates={"before": before, "after": readings() | after, **clocks},
    )


def _take_turns(
    sides: Mapping[str, LiveSide], order: tuple[str, ...], device: Disturbance
) -> dict[str, list[Message]]:
    """Return the answers of each side, in run order."""
    blocks: dict[str, list[Message]] = {role: [] for role in sides}
    for role in order:
        blocks[role].append(sides[role].block())
        device.read()
    return blocks


def _by_role(
    device: Disturbance, order: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Return each side's disturbed blocks, None where nothing tells, and the mean SM clocks."""
    found, whose = device.disturbed(), np.array(order)
    if found is None:
        return {BASELINE: None, CANDIDATE: None}, {}
    mhz = device.sm_mhz()
    means = {role: float(np.mean(mhz[whose == role])) for role in (BASELINE, CANDIDATE)}
    return {role: found[whose == role] for role in (BASELINE, CANDIDATE)}, {"sm_mhz": means}
