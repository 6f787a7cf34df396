"""The only clocks around inference: three loops, one chosen per session, outside the loop.

- blocking: `enqueue` returns when the query is done (CPU). One clock read a query; a query's wall
  time is from the end of the one before to its own end, so a block's wall times add up to it.
- host-synchronised: `enqueue` returns early and `wait` blocks. A query's wall time is from before
  its first call to after its wait, so with more than one slot a block's wall times overlap.
- device-stamped: the same, with events recorded on the device's streams around copies and compute.
  Every query of a block has events of its own, read after the timed region.

A loop is called with a number of queries. With several slots it runs whole rounds of them, at least
that many: a block then begins and ends at the same place of a round. Stamps go into lists made
before the first clock read: storing into a list costs 10 ns, into an array's memoryview 45 ns
(benchmarks/overhead.py has the total). They become arrays only after the timed region. Needs numpy
and the standard library only: it travels with the worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engines.contract import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def _nothing() -> None:
    """Stand for what need not be called."""


class Loop(Protocol):
    """Runs queries; what it returns turns the stamps into timings, after the timed region."""

    def __call__(
        self, queries: int, *, alone: bool = False, edge: Call = _nothing
    ) -> Callable[[], Timings]:
        """Run at least that many queries; `alone` runs no others, also with several slots.

        `edge` is called just before and just after the timed queries.
        """
        ...


def loop_name(session: Session) -> str:
    """Return which of the three loops fits the session."""
    if session.wait is None:
        return "blocking"
    return "host-synchronised" if session.clock is None else "device-stamped"


def untimed_queries(slots: int) -> int:
    """Return how many queries a loop runs beside those that it times: half before, half after."""
    return 2 * slots if slots > 1 else 0


def clock_name(session: Session) -> str:
    """Return the name of the host clock that the session's loop reads."""
    return "simulated" if session.host_clock else "perf_counter_ns"


def make_loop(session: Session) -> Loop:
    """Return the session's timing loop.

    Raises ValueError for a session whose enqueue blocks and that yet has several slots or copies,
    or that flushes caches under queries in flight.
    """
    clock = session.host_clock or time.perf_counter_ns
    if session.flush and len(session.enqueue) != 1:
        raise ValueError("session: expected one slot where caches are flushed between queries")
    if session.wait is None:
        if len(session.enqueue) != 1 or session.copy_in or session.copy_out or session.flush:
            raise ValueError("session: expected one slot and no copies where enqueue blocks")
        return _blocking(session.enqueue[0], clock)
    if session.clock is None:
        return _host_synchronised(session, session.wait, clock)
    return _device_stamped(session, session.wait, session.clock, clock)


def _blocking(enqueue: Call, clock: HostClock) -> Loop:
    def loop(queries: int, *, alone: bool = False, edge: Call = _nothing) -> Callable[[], Timings]:
        del alone
        stamps = [0] * (queries + 1)
        indices = range(1, queries + 1)
        edge()
        stamps[0] = clock()
        for i in indices:
            enqueue()
            stamps[i] = clock()
        edge()
        return lambda: Timings(elapsed_ns=stamps[-1] - stamps[0], wall_ns=_differences(stamps))

    return loop


def _host_synchronised(session: Session, wait: Sequence[Call], clock: HostClock) -> Loop:
    slots = len(session.enqueue)
    before = [session.copy_in[i : i + 1] for i in range(slots)]
    after = [(*session.copy_out[i : i + 1], *session.fence[i : i + 1]) for i in range(slots)]

    def loop(queries: int, *, alone: bool = False, edge: Call = _nothing) -> Callable[[], Timings]:
        stamps = _Stamps(queries, slots, alone=alone)
        order = stamps.slots
        around = [before[slot] for slot in order], [after[slot] for slot in order]
        _ring(session, wait, around, clock, stamps, edge)
        return lambda: Timings(
            elapsed_ns=stamps.elapsed_ns(apart=bool(session.flush)),
            wall_ns=stamps.timed(stamps.done) - stamps.timed(stamps.begin),
            enqueue_ns=stamps.timed(stamps.submitted) - stamps.timed(stamps.submit),
        )

    return loop


def _device_stamped(
    session: Session, wait: Sequence[Call], device: DeviceClock, clock: HostClock
) -> Loop:
    copies_in, copies_out = bool(session.copy_in), bool(session.copy_out)

    def loop(queries: int, *, alone: bool = False, edge: Call = _nothing) -> Callable[[], Timings]:
        stamps = _Stamps(queries, len(session.enqueue), alone=alone)
        _ring(session, wait, _marked(session, device, stamps.slots), clock, stamps, edge)
        spans = {
            "h2d_ns": (copies_in, Mark.START, Mark.INPUTS_READY),
            "gpu_compute_ns": (True, Mark.INPUTS_READY, Mark.COMPUTE_DONE),
            "d2h_ns": (copies_out, Mark.COMPUTE_DONE, Mark.END),
        }
        return lambda: Timings(
            elapsed_ns=stamps.elapsed_ns(apart=bool(session.flush)),
            wall_ns=stamps.timed(stamps.done) - stamps.timed(stamps.begin),
            enqueue_ns=stamps.timed(stamps.submitted) - stamps.timed(stamps.submit),
            **{
                name: stamps.timed(device.elapsed_ns(start, end))
                for name, (present, start, end) in spans.items()
                if present
            },
        )

    return loop


def _marked(
    session: Session, device: DeviceClock, slots: Sequence[int]
) -> tuple[list[Sequence[Call]], list[Sequence[Call]]]:
    """Return what each query calls before and after its enqueue, in stream order.

    The outer marks are recorded only where there are copies for them to time.
    """

    def marks(mark: Mark, *, needed: bool = True) -> Sequence[Sequence[Call]]:
        if not needed:
            return [()] * len(slots)
        return [(call,) for call in device.recorders(mark, slots)]

    start = marks(Mark.START, needed=bool(session.copy_in))
    ready, computed = marks(Mark.INPUTS_READY), marks(Mark.COMPUTE_DONE)
    end = marks(Mark.END, needed=bool(session.copy_out))
    before: list[Sequence[Call]] = []
    after: list[Sequence[Call]] = []
    for i, slot in enumerate(slots):
        here = slice(slot, slot + 1)
        before.append((*start[i], *session.copy_in[here], *ready[i]))
        after.append((*computed[i], *session.copy_out[here], *end[i], *session.fence[here]))
    return before, after


def _differences(stamps: list[int]) -> Nanoseconds:
    ends = np.array(stamps, np.int64)
    return ends[1:] - ends[:-1]


class _Stamps:
    """Host stamps of each query [ns]: before its first call, around enqueue, after its wait.

    With several slots the first queries find an empty device and the last ones an emptying one:
    as many queries as there are slots run before and after the timed ones and do not count. Queries
    side by side end nearly together, so a part of a round would take no time, or a whole round's.
    """

    def __init__(self, queries: int, slots: int, *, alone: bool) -> None:
        self._lead = 0 if alone else untimed_queries(slots) // 2
        self._queries = queries if alone else -(-queries // slots) * slots
        total = self._queries + 2 * self._lead
        self.filling = range(2 * self._lead)
        self.filled = range(2 * self._lead, total)
        self.draining = range(max(0, total - slots), total)
        self.slots = [query % slots for query in range(total)]
        self.begin = [0] * total
        self.submit = [0] * total
        self.submitted = [0] * total
        self.done = [0] * total

    def timed(self, stamps: Sequence[int]) -> Nanoseconds:
        """Return the entries of the timed queries, shape (queries,)."""
        return np.array(stamps[self._lead : self._lead + self._queries], np.int64)

    def elapsed_ns(self, *, apart: bool) -> int:
        """Return the time in which the timed queries were done; `apart` leaves out what is between.

        The queries are apart where caches are flushed between them, one slot only.
        """
        if apart:
            return int(np.sum(self.timed(self.done) - self.timed(self.begin)))
        start = self.done[self._lead - 1] if self._lead else self.begin[0]
        return self.done[self._lead + self._queries - 1] - start


def _ring(
    session: Session,
    wait: Sequence[Call],
    around: tuple[Sequence[Sequence[Call]], Sequence[Sequence[Call]]],
    clock: HostClock,
    stamps: _Stamps,
    edge: Call,
) -> None:
    """Run as many queries as there are stamps, round the slots.

    `around` is what each query calls before and after its enqueue.
    """
    run, drain = _steps(session, wait, around, clock, stamps)
    run(stamps.filling)
    edge()
    run(stamps.filled)
    if not stamps.filling:
        drain()
        edge()
    else:
        edge()
        drain()


def _steps(
    session: Session,
    wait: Sequence[Call],
    around: tuple[Sequence[Sequence[Call]], Sequence[Sequence[Call]]],
    clock: HostClock,
    stamps: _Stamps,
) -> tuple[Callable[[Iterable[int]], None], Callable[[], None]]:
    """Return what runs queries, and what waits for the last of each slot.

    A slot is waited for just before it is used again, so with one slot each query is waited for at
    once.
    """
    enqueue, flush = session.enqueue, session.flush
    before, after = around
    begin, submit, submitted, done = stamps.begin, stamps.submit, stamps.submitted, stamps.done
    slots = len(enqueue)

    def run(queries: Iterable[int]) -> None:
        for i in queries:
            slot = stamps.slots[i]
            if i >= slots:
                wait[slot]()
                done[i - slots] = clock()
            for call in flush:
                call()
            begin[i] = clock()
            for call in before[i]:
                call()
            submit[i] = clock()
            enqueue[slot]()
            submitted[i] = clock()
            for call in after[i]:
                call()

    def drain() -> None:
        for i in stamps.draining:
            wait[stamps.slots[i]]()
            done[i] = clock()

    return run, drain


def stopwatch() -> Callable[[], int]:
    """Return a function that tells the nanoseconds since this call: for build and open."""
    start = time.perf_counter_ns()
    return lambda: time.perf_counter_ns() - start
