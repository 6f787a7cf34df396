"""The only clocks around inference: three loops, one chosen per session, outside the loop.

- blocking: `enqueue` returns when the query is done (CPU). One clock read a query; a query's wall
  time is from the end of the one before to its own end, so a block's wall times add up to it.
- host-synchronised: `enqueue` returns early and `wait` blocks. A query's wall time is from before
  its first call to after its wait, so with more than one slot a block's wall times overlap.
- device-stamped: the same, with events recorded on the device's streams around copies and compute.

A loop is called with a number of queries. Stamps go into lists made before the first clock read:
storing into a list costs 10 ns, into an array's memoryview 45 ns (benchmarks/overhead.py has the
total). They become arrays only after the timed region. Needs numpy and the standard library only:
it travels with the worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engines.contract import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from engines.contract import Call, DeviceClock, Session

    Nanoseconds = NDArray[np.int64]

HostClock = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Raw timings of consecutive queries, in order [ns]; the device's are None without its clock.

    `elapsed_ns` is the host time in which they were done: from before the first query to after the
    last, or with several slots from the end of the query before the first to the end of the last.
    """

    elapsed_ns: int
    wall_ns: Nanoseconds
    enqueue_ns: Nanoseconds | None = None
    gpu_compute_ns: Nanoseconds | None = None
    h2d_ns: Nanoseconds | None = None
    d2h_ns: Nanoseconds | None = None


Loop = Callable[[int], Callable[[], Timings]]
"""Runs that many queries; what it returns turns the stamps into timings, after the timed region."""


def loop_name(session: Session) -> str:
    """Return which of the three loops fits the session."""
    if session.wait is None:
        return "blocking"
    return "host-synchronised" if session.clock is None else "device-stamped"


def clock_name(session: Session) -> str:
    """Return the name of the host clock that the session's loop reads."""
    return "simulated" if session.host_clock else "perf_counter_ns"


def make_loop(session: Session) -> Loop:
    """Return the session's timing loop.

    Raises ValueError for a session whose enqueue blocks and that yet has several slots or copies.
    """
    clock = session.host_clock or time.perf_counter_ns
    if session.wait is None:
        if len(session.enqueue) != 1 or session.copy_in or session.copy_out:
            raise ValueError("session: expected one slot and no copies where enqueue blocks")
        return _blocking(session.enqueue[0], clock)
    if session.clock is None:
        return _host_synchronised(session, session.wait, clock)
    return _device_stamped(session, session.wait, session.clock, clock)


def _blocking(enqueue: Call, clock: HostClock) -> Loop:
    def loop(queries: int) -> Callable[[], Timings]:
        stamps = [0] * (queries + 1)
        indices = range(1, queries + 1)
        stamps[0] = clock()
        for i in indices:
            enqueue()
            stamps[i] = clock()
        return lambda: Timings(elapsed_ns=stamps[-1] - stamps[0], wall_ns=_differences(stamps))

    return loop


def _host_synchronised(session: Session, wait: Sequence[Call], clock: HostClock) -> Loop:
    slots = len(session.enqueue)
    before = [session.copy_in[i : i + 1] for i in range(slots)]
    after = [session.copy_out[i : i + 1] for i in range(slots)]

    def loop(queries: int) -> Callable[[], Timings]:
        stamps = _Stamps(queries, slots)
        _ring(session.enqueue, before, after, wait, clock, stamps, None)
        return lambda: Timings(
            elapsed_ns=stamps.elapsed_ns(),
            wall_ns=stamps.timed(stamps.done) - stamps.timed(stamps.begin),
            enqueue_ns=stamps.timed(stamps.submitted) - stamps.timed(stamps.submit),
        )

    return loop


def _device_stamped(
    session: Session, wait: Sequence[Call], device: DeviceClock, clock: HostClock
) -> Loop:
    slots = range(len(session.enqueue))
    record = {mark: [device.recorder(mark, slot) for slot in slots] for mark in Mark}
    before = [
        (record[Mark.START][i], *session.copy_in[i : i + 1], record[Mark.INPUTS_READY][i])
        for i in slots
    ]
    after = [
        (record[Mark.COMPUTE_DONE][i], *session.copy_out[i : i + 1], record[Mark.END][i])
        for i in slots
    ]

    def loop(queries: int) -> Callable[[], Timings]:
        stamps = _Stamps(queries, len(slots))
        h2d, compute, d2h = ([0] * len(stamps.done) for _ in range(3))

        def collect(slot: int, query: int) -> None:
            h2d[query] = device.elapsed_ns(slot, Mark.START, Mark.INPUTS_READY)
            compute[query] = device.elapsed_ns(slot, Mark.INPUTS_READY, Mark.COMPUTE_DONE)
            d2h[query] = device.elapsed_ns(slot, Mark.COMPUTE_DONE, Mark.END)

        _ring(session.enqueue, before, after, wait, clock, stamps, collect)
        return lambda: Timings(
            elapsed_ns=stamps.elapsed_ns(),
            wall_ns=stamps.timed(stamps.done) - stamps.timed(stamps.begin),
            enqueue_ns=stamps.timed(stamps.submitted) - stamps.timed(stamps.submit),
            gpu_compute_ns=stamps.timed(compute),
            h2d_ns=stamps.timed(h2d) if session.copy_in else None,
            d2h_ns=stamps.timed(d2h) if session.copy_out else None,
        )

    return loop


def _differences(stamps: list[int]) -> Nanoseconds:
    ends = np.array(stamps, np.int64)
    return ends[1:] - ends[:-1]


class _Stamps:
    """Host stamps of each query [ns]: before its first call, around enqueue, after its wait.

    With several slots the first queries find an empty device and the last ones an emptying one:
    as many queries as there are slots run before and after the timed ones and do not count.
    """

    def __init__(self, queries: int, slots: int) -> None:
        self._lead = slots if slots > 1 else 0
        self._queries = queries
        total = queries + 2 * self._lead
        self.begin = [0] * total
        self.submit = [0] * total
        self.submitted = [0] * total
        self.done = [0] * total

    def timed(self, stamps: list[int]) -> Nanoseconds:
        """Return the entries of the timed queries, shape (queries,)."""
        return np.array(stamps[self._lead : self._lead + self._queries], np.int64)

    def elapsed_ns(self) -> int:
        """Return the time in which the timed queries were done."""
        start = self.done[self._lead - 1] if self._lead else self.begin[0]
        return self.done[self._lead + self._queries - 1] - start


def _ring(
    enqueue: Sequence[Call],
    before: Sequence[Sequence[Call]],
    after: Sequence[Sequence[Call]],
    wait: Sequence[Call],
    clock: HostClock,
    stamps: _Stamps,
    collect: Callable[[int, int], None] | None,
) -> None:
    """Run as many queries as there are stamps, round the slots.

    A slot is waited for just before it is used again, so with one slot each query is waited for at
    once. `collect` reads the slot's events, after the stamp of the wait and before the slot's next
    query.
    """
    begin, submit, submitted, done = stamps.begin, stamps.submit, stamps.submitted, stamps.done
    slots, queries = len(enqueue), len(begin)

    def finish(query: int) -> None:
        slot = query % slots
        wait[slot]()
        done[query] = clock()
        if collect is not None:
            collect(slot, query)

    for i in range(queries):
        slot = i % slots
        if i >= slots:
            finish(i - slots)
        begin[i] = clock()
        for call in before[slot]:
            call()
        submit[i] = clock()
        enqueue[slot]()
        submitted[i] = clock()
        for call in after[slot]:
            call()
    for i in range(max(0, queries - slots), queries):
        finish(i)


def stopwatch() -> Callable[[], int]:
    """Return a function that tells the nanoseconds since this call: for build and open."""
    start = time.perf_counter_ns()
    return lambda: time.perf_counter_ns() - start
