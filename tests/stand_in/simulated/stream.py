"""Streams, events and captured graphs of the simulated device.

What is enqueued is done when it is waited for, not before: whoever reads a result without having
waited sees what was there before, as on a device.
"""

from collections import deque
from dataclasses import dataclass

from simulated.errors import SimulatedError


def nothing():
    pass


@dataclass(frozen=True, slots=True)
class Work:
    """Work of a stream: its device time, and what it really does."""

    duration_ns: int
    action: object


class Stream:
    """One stream; `handle` is what stands for the `CUstream`."""

    def __init__(self, device, handle):
        self.device = device
        self.handle = handle
        self.done_ns = 0
        self.enqueued = 0
        self._completed = 0
        self._pending = deque()
        self._captured = None
        self._broken = False

    def work(self, duration_ns, action=nothing):
        """Enqueue work, or add it to the graph that is being captured; costs the host nothing."""
        self.device.check()
        if self._captured is not None:
            self._captured.append(Work(duration_ns, action))
            return
        start_ns = max(self.done_ns, self.device.machine.clock.now_ns())
        self.done_ns = start_ns + duration_ns
        self.enqueued += 1
        self._pending.append(action)

    def compute(self, action=nothing, duration_ns=None):
        """Enqueue a query: host time, then `compute_ns` of the device; `compute` scripts a failure.

        The failure is an illegal address, told by whatever waits next, and it stays.
        """
        machine = self.device.machine
        machine.clock.spend(machine.script.enqueue_ns)
        if machine.fails("compute"):
            action = self._poison
        self.work(machine.script.compute_ns if duration_ns is None else duration_ns, action)

    def drain(self, upto=None):
        """Do what was enqueued, all of it or the first `upto` pieces since the stream was made."""
        upto = self.enqueued if upto is None else upto
        while self._completed < upto:
            self._completed += 1
            self._pending.popleft()()
            self.device.check()

    def synchronize(self):
        """Wait for all that was enqueued; raises SimulatedError for an error of the device."""
        self.refuse_while_capturing()
        self.drain()
        self.device.machine.clock.wait_until(self.done_ns)
        self.device.check()

    def is_done(self):
        """Return whether all that was enqueued is done; never waits."""
        self.device.check()
        return self.device.machine.clock.now_ns() >= self.done_ns

    def wait_for(self, event):
        """Let what is enqueued from now on start after the event."""
        self.done_ns = max(self.done_ns, event.time_ns)
        source, upto = event.stream, event.position
        self.work(0, lambda: source.drain(upto))

    @property
    def last(self):
        """Return what was enqueued last and is not done yet, or None."""
        return self._pending[-1] if self._pending and not self.capturing else None

    @property
    def capturing(self):
        return self._captured is not None

    def begin_capture(self):
        if self.capturing:
            raise SimulatedError("CUDA_ERROR_ILLEGAL_STATE")
        self._captured, self._broken = [], False

    def refuse_while_capturing(self):
        """Raise for a call that a capture of this stream forbids; that spoils the capture."""
        if self.capturing:
            self._broken = True
            raise SimulatedError("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")

    def spoil_capture(self):
        """Make the end of the capture tell that something in it was not allowed."""
        self._broken = True

    def end_capture(self):
        """Return the captured work; raises SimulatedError. The stream works as before then."""
        if not self.capturing:
            raise SimulatedError("CUDA_ERROR_ILLEGAL_STATE")
        work, self._captured = tuple(self._captured), None
        if self._broken:
            raise SimulatedError("CUDA_ERROR_STREAM_CAPTURE_INVALIDATED")
        return work

    def launch(self, work):
        """Launch captured work: one piece of host time, whatever is in it."""
        machine = self.device.machine
        machine.clock.spend(machine.script.launch_ns)
        if machine.fails("launch"):
            self.device.error = "CUDA_ERROR_LAUNCH_FAILED"
        for each in work:
            self.work(each.duration_ns, each.action)

    def _poison(self):
        self.device.error = "CUDA_ERROR_ILLEGAL_ADDRESS"


class Event:
    """A point on a stream."""

    def __init__(self, *, timing):
        self.timing = timing
        self.stream = None
        self.time_ns = 0
        self.position = 0

    def record(self, stream):
        stream.device.check()
        if stream.capturing:
            stream.work(0, lambda: None)
            return
        self.stream = stream
        self.position = stream.enqueued
        self.time_ns = max(stream.done_ns, stream.device.machine.clock.now_ns())

    def synchronize(self):
        if self.stream is None:
            return
        self.stream.refuse_while_capturing()
        self.stream.drain(self.position)
        self.stream.device.machine.clock.wait_until(self.time_ns)
        self.stream.device.check()

    def elapsed_ns(self, start):
        """Return the device time since another event; raises SimulatedError as the driver does."""
        if self.stream is None or start.stream is None or not (self.timing and start.timing):
            raise SimulatedError("CUDA_ERROR_INVALID_HANDLE")
        clock = self.stream.device.machine.clock
        if clock.now_ns() < max(self.time_ns, start.time_ns):
            raise SimulatedError("CUDA_ERROR_NOT_READY")
        return self.time_ns - start.time_ns
