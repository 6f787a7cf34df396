"""The device's clock: events on the streams, read once a block is over."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.contract import Call, Mark
    from engines.cuda.context import Stream

MS_IN_NS = 1_000_000


class EventClock:
    """CUDA events with timing, one a mark and query; those of a block serve the next one again.

    The driver tells times between events in single-precision ms, in steps of about 0.5 µs.
    """

    name = "cuda-event"

    def __init__(self, stream_of: Sequence[Stream]) -> None:
        self._stream_of = stream_of
        self._events: dict[Mark, list[Any]] = {}
        self._queries = 0

    def recorders(self, mark: Mark, slots: Sequence[int]) -> Sequence[Call]:
        """Return, for each query of a block, the call that records `mark` in its slot's stream.

        Makes the events that the block needs and no earlier one did.
        """
        from pycuda.driver import Event

        events = self._events.setdefault(mark, [])
        events += [Event() for _ in range(len(slots) - len(events))]
        self._queries = len(slots)
        return [
            partial(event.record, self._stream_of[slot].pycuda_stream)
            for event, slot in zip(events, slots, strict=False)
        ]

    def elapsed_ns(self, start: Mark, end: Mark) -> Sequence[int]:
        """Return device nanoseconds between two marks of each query of the block, in order."""
        starts, ends = (self._events[mark][: self._queries] for mark in (start, end))
        return [
            round(after.time_since(before) * MS_IN_NS)
            for before, after in zip(starts, ends, strict=True)
        ]
