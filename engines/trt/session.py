"""An open TensorRT session: one execution context and its buffers a stream, driven by `enqueue`."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engines.contract import CaptureError, Placement, SessionFacts
from engines.cuda.clock import EventClock
from engines.cuda.flush import flushing
from engines.cuda.graph import capture
from engines.feeding import Feed
from engines.trt.binding import Binding, bind
from engines.trt.layers import QUERIES, LayerTimes
from engines.trt.runtime import make_context
from engines.trt.tensors import tensors_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engines.contract import Arrays, Call, Device, DeviceClock, LayerTime
    from engines.cuda.context import Context
    from engines.cuda.options import DeviceOptions
    from engines.trt.flavour import Flavour
    from engines.trt.messages import Messages
    from engines.trt.runtime import Loaded
    from engines.trt.runtime_cache import RuntimeCache
    from suites.case import OptionValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a session is made of. `cache` is None where the flavour compiles nothing at opening.

    `free_bytes` was the device's free memory before the plan was loaded.
    """

    flavour: Flavour
    trt: Any
    loaded: Loaded
    cache: RuntimeCache | None
    messages: Messages
    context: Context
    free_bytes: int
    device: Device
    options: Mapping[str, OptionValue]
    device_options: DeviceOptions
    effective_precision: str | None


class TensorRtSession:
    """A session whose slots share their stream's execution context and device buffers."""

    def __init__(self, opened: Opened, inputs: Arrays) -> None:
        self._opened = opened
        self._inputs = inputs
        self._feed = Feed(inputs)
        streams = opened.context.streams(opened.device_options.streams)
        self._bindings: list[Binding] = [self._bound(stream) for stream in streams]
        self._slots = [self._bindings[k] for k in opened.device_options.stream_of]
        stream_of = [binding.stream for binding in self._slots]
        self.enqueue: Sequence[Call] = tuple(
            _enqueuer(binding, opened.messages) for binding in self._slots
        )
        self._copies = [binding.copies() for binding in self._slots if opened.device_options.copied]
        self.copy_in: Sequence[Call] = tuple(copies.copy_in for copies in self._copies)
        self.copy_out: Sequence[Call] = tuple(copies.copy_out for copies in self._copies)
        fence, wait = opened.context.fences(stream_of)
        self.fence: Sequence[Call] = fence
        self.wait: Sequence[Call] | None = wait
        self.flush: Sequence[Call] = (
            flushing(opened.context, streams[0]) if opened.device_options.flushed else ()
        )
        self.clock: DeviceClock | None = EventClock(stream_of)
        self.host_clock: Callable[[], int] | None = None
        self._device_bytes = max(0, opened.free_bytes - opened.context.free_bytes())

    def capture(self) -> None:
        """Capture each stream's query once it ran, for kernels are loaded in the first one."""
        launches: dict[int, Call] = {}
        for binding, enqueue in zip(self._bindings, self.enqueue, strict=False):
            enqueue()
            binding.stream.synchronize()
            self._refuse_uncapturable(binding)
            launches[binding.stream.handle] = capture(self._opened.context, binding.stream, enqueue)
        self.enqueue = tuple(launches[binding.stream.handle] for binding in self._slots)

    def feed(self, inputs: Arrays) -> None:
        """Put the values where slot 0's queries copy theirs from, else on the device."""
        fed = self._feed.copied(inputs)
        self._bindings[0].feed(fed, self._copies[0] if self._copies else None)
        self._inputs = fed

    def outputs(self) -> Arrays:
        """Return copies of slot 0's outputs: what was copied out, else what the device has."""
        if self._copies:
            return {name: array.copy() for name, array in self._copies[0].outputs.items()}
        return self._bindings[0].download()

    def facts(self) -> SessionFacts:
        """Return the runtime's version, the options, the engine's layers and the memory it took."""
        opened = self._opened
        engine = opened.loaded.engine
        return SessionFacts(
            runtime=opened.flavour.module,
            runtime_version=opened.trt.__version__,
            device=opened.device.name or opened.device.uuid,
            options=dict(opened.options),
            placement=(Placement(provider=opened.flavour.name, nodes=engine.num_layers),),
            effective_precision=opened.effective_precision,
            device_memory_bytes=self._device_bytes,
            notes=opened.cache.notes if opened.cache else (),
        )

    def profile(self) -> Sequence[LayerTime] | None:
        """Return the mean time per layer of a few queries on a context of its own."""
        opened = self._opened
        times = LayerTimes(opened.trt)
        binding = self._bound(self._bindings[0].stream)
        binding.execution.profiler = times.profiler
        enqueue = _enqueuer(binding, opened.messages)
        for _ in range(QUERIES):
            enqueue()
            binding.stream.synchronize()
        return times.means() or None

    def close(self) -> None:
        """Keep compiled kernels, and release the runtime's objects while the device is there."""
        if self._opened.cache:
            self._opened.cache.store()
        self.clock = None
        self.enqueue = self.copy_in = self.copy_out = self.fence = self.wait = self.flush = ()
        self._slots, self._bindings, self._copies = [], [], []
        del self._opened
        gc.collect()

    def _bound(self, stream: Any) -> Binding:
        opened = self._opened
        engine = opened.loaded.engine
        config = opened.cache.config if opened.cache else None
        return bind(
            make_context(engine, config, opened.messages),
            tensors_of(opened.trt, engine),
            self._inputs,
            opened.context,
            stream,
            opened.messages,
        )

    def _refuse_uncapturable(self, binding: Binding) -> None:
        """Raise CaptureError where the flavour tells that a capture would not hold the query."""
        if not self._opened.flavour.ahead:
            return
        if not binding.execution.is_stream_capturable(binding.stream.handle):
            raise CaptureError(
                f"{self._opened.flavour.name} cannot capture this plan: its kernels depend on "
                "the values of shapes",
                "Run the case with cuda_graph: false.",
            )


def _enqueuer(binding: Binding, messages: Messages) -> Call:
    """Return the call that enqueues a query; the runtime tells a failure by returning False."""
    execute, handle = binding.execution.execute_async_v3, binding.stream.handle

    def enqueue() -> None:
        if not execute(handle):
            raise messages.failure("the query could not be enqueued", default="bad-output")

    return enqueue
