"""The simulated device behind the backend `fake`: its time lines, events and session."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from engines.contract import CaptureError, LayerTime, Mark, Placement, SessionFacts
from engines.feeding import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engines.contract import Arrays, Call, DeviceClock
    from suites.case import OptionValue


_FLUSH_NS = 100_000


class FakeTime:
    """The simulated host and device time lines [ns]; reading the host's clock costs nothing."""

    def __init__(self, streams: int) -> None:
        self.host_ns = 0
        self.stream_ns = [0] * streams

    def now_ns(self) -> int:
        """Return the host's time."""
        return self.host_ns

    def run(self, stream: int, duration_ns: int) -> None:
        """Append work to a stream; it starts when both the stream and the host have come to it."""
        self.stream_ns[stream] = max(self.stream_ns[stream], self.host_ns) + duration_ns


class FakeClock:
    """Events of the simulated device."""

    name = "fake-event"

    def __init__(self, time: FakeTime, stream_of: Sequence[int]) -> None:
        self._time = time
        self._stream_of = stream_of
        self._recorded: dict[Mark, list[int]] = {}

    def recorders(self, mark: Mark, slots: Sequence[int]) -> Sequence[Call]:
        """Return the calls that stamp the slots' streams, query by query."""
        stamps = self._recorded[mark] = [0] * len(slots)
        return [partial(self._record, stamps, query, slot) for query, slot in enumerate(slots)]

    def elapsed_ns(self, start: Mark, end: Mark) -> Sequence[int]:
        """Return the simulated nanoseconds between two marks of each query."""
        pairs = zip(self._recorded[start], self._recorded[end], strict=True)
        return [after - before for before, after in pairs]

    def _record(self, stamps: list[int], query: int, slot: int) -> None:
        stream = self._stream_of[slot]
        stamps[query] = max(self._time.stream_ns[stream], self._time.host_ns)


class FakeSession:
    """A session of the simulated device; see the options of `Fake` for what it can be asked."""

    def __init__(self, options: Mapping[str, OptionValue], inputs: Arrays) -> None:
        self._options = options
        self._inputs = inputs
        self._feed = Feed(inputs)
        self._queries = 0
        self._captured = False
        self._flushed = False
        streams = int(options["streams"])
        slots = streams * int(options["queue_depth"])
        self._stream_of = [slot % streams for slot in range(slots)]
        self._done_ns = [0] * slots
        self._time = FakeTime(streams)
        self.host_clock: Callable[[], int] | None = self._time.now_ns
        blocking = options["loop"] == "blocking"
        device_stamped = options["loop"] == "device-stamped"
        copies = options["transfers"] == "copied"
        self.clock: DeviceClock | None = (
            FakeClock(self._time, self._stream_of) if device_stamped else None
        )
        query = self._blocking if blocking else self._submit
        self.enqueue: Sequence[Call] = tuple(partial(query, slot) for slot in range(slots))
        self.wait: Sequence[Call] | None = (
            None if blocking else tuple(partial(self._wait, slot) for slot in range(slots))
        )
        copy = tuple(partial(self._copy, slot) for slot in range(slots)) if copies else ()
        self.copy_in: Sequence[Call] = copy
        self.copy_out: Sequence[Call] = copy
        self.fence: Sequence[Call] = ()
        self.flush: Sequence[Call] = (self._flush,) if options["l2"] == "flushed" else ()

    def capture(self) -> None:
        """Make each enqueue cost a tenth, as a graph launch would."""
        if self._options["failure"] == "capture":
            raise CaptureError(
                "fake: operation not permitted when stream is capturing",
                "Run the case without cuda_graph.",
            )
        self._captured = True

    def feed(self, inputs: Arrays) -> None:
        """Sum these arrays from now on."""
        self._inputs = self._feed.copied(inputs)

    def outputs(self) -> Arrays:
        """Return `y`: the sum of the first input, or NaN where that failure was asked for."""
        import numpy as np

        first = next(iter(self._inputs.values()))
        total = (
            float("nan")
            if self._options["failure"] == "nan"
            else float(first.astype(np.float64).sum())
        )
        return {"y": np.array([total])}

    def facts(self) -> SessionFacts:
        """Return facts as a device session would."""
        return SessionFacts(
            runtime="fake",
            runtime_version="1",
            device="fake",
            options=dict(self._options),
            placement=(Placement(provider="FakeExecutionProvider", nodes=1, examples=("fake",)),),
            device_memory_bytes=1 << 20,
        )

    def profile(self) -> Sequence[LayerTime] | None:
        """Return one layer that takes all of the query's time."""
        return (LayerTime(name="fake", kind="Fake", mean_ns=float(self._latency_ns())),)

    def _blocking(self, slot: int) -> None:
        self._time.host_ns += self._begin(slot)

    def _submit(self, slot: int) -> None:
        cost = int(self._options["enqueue_ns"])
        self._time.host_ns += cost // 10 if self._captured else cost
        self._time.run(self._stream_of[slot], self._begin(slot))
        self._done_ns[slot] = self._time.stream_ns[self._stream_of[slot]]

    def _copy(self, slot: int) -> None:
        stream = self._stream_of[slot]
        self._time.run(stream, int(self._options["copy_ns"]))
        self._done_ns[slot] = self._time.stream_ns[stream]

    def _wait(self, slot: int) -> None:
        self._time.host_ns = max(self._time.host_ns, self._done_ns[slot])

    def _flush(self) -> None:
        self._time.host_ns += _FLUSH_NS
        self._flushed = True

    def _begin(self, slot: int) -> int:
        """Count the query, fail where asked, and return its duration [ns]: flushed, half more."""
        del slot
        _fail_in_query(str(self._options["failure"]))
        self._queries += 1
        flushed, self._flushed = self._flushed, False
        return self._latency_ns() * (3 if flushed else 2) // 2

    def _latency_ns(self) -> int:
        """Return the query's duration: the cold ones are longer, the others drift if asked."""
        base = int(self._options["latency_ns"])
        cold = int(self._options["cold_queries"])
        if self._queries <= cold:
            return base * 10
        if not self._options["drift_percent"]:
            return base
        return base + base * int(self._options["drift_percent"]) * (self._queries % 7) // 600


def _fail_in_query(failure: str) -> None:
    if failure == "query":
        raise RuntimeError("fake: the device reported an error 700 in a query")
    if failure == "memory":
        raise MemoryError("fake: 1099511627776 bytes were asked for")
    if failure == "crash":
        os.write(2, b"fake: illegal memory access\n")
        os.kill(os.getpid(), signal.SIGSEGV)
    if failure == "exit":
        os._exit(7)
    if failure == "hang":
        signal.pause()
