"""Reading something again and again while something else runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from harness.machine.reading import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Facts, and when they were had [ns on the clock of the sampling]."""

    at_ns: int
    facts: Facts


@contextmanager
def sampling(
    read: Callable[[], Facts], *, period_s: float, clock: Callable[[], int]
) -> Iterator[list[Reading]]:
    """Read every `period_s` in a thread while the body runs; yield the list that it fills.

    There is one reading at least; it begins at once. The thread has ended when the body is left,
    and what `read` raised is raised then.
    """
    readings: list[Reading] = []
    stop = threading.Event()

    def go_on() -> None:
        due_ns = clock()
        while not (readings and stop.is_set()):
            facts = read()
            readings.append(Reading(at_ns=clock(), facts=facts))
            due_ns = max(due_ns + round(period_s * 1e9), clock())
            stop.wait((due_ns - clock()) / 1e9)

    with ThreadPoolExecutor(1, thread_name_prefix="telemetry") as pool:
        thread = pool.submit(go_on)
        try:
            yield readings
        finally:
            stop.set()
        thread.result()
