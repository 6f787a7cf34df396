"""An open ONNX Runtime session on dyno's own CUDA streams, one lane a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from engines.contract import CaptureError, SessionFacts
from engines.cuda.clock import EventClock
from engines.cuda.flush import flushing
from engines.cuda.waiting import waits
from engines.feeding import Feed
from engines.ort.device.on_device import refused
from engines.ort.dtypes import from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from engines.contract import Arrays, Call, Device, DeviceClock, LayerTime, Placement
    from engines.cuda.context import Context
    from engines.cuda.options import DeviceOptions
    from engines.ort.device.lane import Lane
    from suites.case import Case, OptionValue

    Array = NDArray[Any]

WAITS = (
    "ONNX Runtime waits for the device in every query: enqueue time is the query's whole time, "
    "and neither a queue nor streams overlap"
)
UNKNOWN = "no memory was free to find out whether ONNX Runtime waits for the device in every query"


class DeviceSession:
    """Queries round the slots of one or more lanes; slot i is on lane i % lanes."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        context: Context,
        device: DeviceOptions,
        facts: SessionFacts,
        *,
        feed: Feed,
    ) -> None:
        self._lanes = list(lanes)
        self._context = context
        self._device = device
        self._facts = facts
        self._feed = feed
        streams = [lanes[k].stream for k in device.stream_of]
        queries = [lane.query() for lane in lanes]
        self.enqueue: Sequence[Call] = [queries[k] for k in device.stream_of]
        self._told: SessionFacts | None = None
        self.copy_in: Sequence[Call] = ()
        self.copy_out: Sequence[Call] = ()
        self._sources: dict[str, Array] = {}
        self._copied: dict[str, Array] = {}
        if device.copied:
            self._copy(device.stream_of)
        self.fence: Sequence[Call]
        self.wait: Sequence[Call] | None
        self.fence, self.wait = context.fences(streams)
        self.flush: Sequence[Call] = flushing(context, streams[0]) if device.flushed else ()
        self.clock: DeviceClock | None = EventClock(streams)
        self.host_clock: Callable[[], int] | None = None

    def capture(self) -> None:
        """Have ONNX Runtime capture each lane's CUDA graph, which later queries replay."""
        if not self._device.cuda_graph:
            raise CaptureError("the session was opened without cuda_graph", "Set cuda_graph: true.")
        try:
            replays = [lane.captured() for lane in self._lanes]
        except Exception as error:
            raise refused(error) from error
        self.enqueue = [replays[k] for k in self._device.stream_of]
        self._told = None

    def feed(self, inputs: Arrays) -> None:
        """Put the values on the device, and where slot 0's queries copy theirs from."""
        lane = self._lanes[0]
        lane.feed(self._feed.copied(inputs))
        for name, pinned in self._sources.items():
            pinned[...] = _bytes(lane.inputs[name][1])

    def outputs(self) -> Arrays:
        """Return copies of slot 0's outputs by name, but those that no array can hold."""
        found = self._lanes[0].read_outputs()
        for name, pinned in self._copied.items():
            tensor = self._lanes[0].outputs[name]
            array = from_bytes(pinned.copy(), tensor.onnx_type, tensor.shape)
            if array is not None:
                found[name] = array
        return found

    def facts(self) -> SessionFacts:
        """Return the runtime's version, the options as set, where nodes run, and if queries wait.

        The first call runs a query to learn that: ONNX Runtime waited for every CUDA graph until
        its pull request 28686, and its TensorRT provider still does.
        """
        if self._told is None:
            found = waits(self.enqueue[0], self._lanes[0].stream)
            notes = {True: (WAITS,), False: (), None: (UNKNOWN,)}[found]
            self._told = replace(
                self._facts, enqueue_waits=bool(found), notes=(*self._facts.notes, *notes)
            )
        return self._told

    def profile(self) -> Sequence[LayerTime] | None:
        """Return None: ONNX Runtime profiles a session of its own only."""
        return None

    def close(self) -> None:
        """Let go of the sessions and events, which must not outlive the context."""
        self.enqueue = self.copy_in = self.copy_out = self.fence = self.flush = ()
        self.wait = self.clock = None
        self._lanes.clear()

    def _copy(self, stream_of: Sequence[int]) -> None:
        """Give each slot pinned buffers of its own, copied from and to its lane's buffers."""
        copy_in: list[Call] = []
        copy_out: list[Call] = []
        for slot, k in enumerate(stream_of):
            lane = self._lanes[k]
            sources = {name: self._pinned(data) for name, (_, data) in lane.inputs.items()}
            uploads = [(lane.inputs[name][0], pinned) for name, pinned in sources.items()]
            copy_in.append(self._context.copies_in(uploads, lane.stream))
            targets = {
                name: self._context.pinned((tensor.size_bytes,), np.uint8)
                for name, tensor in lane.outputs.items()
            }
            pairs = [(targets[name], lane.outputs[name].address) for name in targets]
            copy_out.append(self._context.copies_out(pairs, lane.stream))
            if slot == 0:
                self._sources, self._copied = sources, targets
        self.copy_in, self.copy_out = copy_in, copy_out

    def _pinned(self, data: Array) -> Array:
        pinned = self._context.pinned((data.nbytes,), np.uint8)
        pinned[...] = _bytes(data)
        return pinned


def _bytes(data: Array) -> Array:
    return data.reshape(-1).view(np.uint8)


def device_facts(
    *,
    case: Case,
    device: Device,
    options: Mapping[str, OptionValue],
    placement: tuple[Placement, ...],
    effective_precision: str | None,
    memory_bytes: int | None,
    notes: tuple[str, ...],
) -> SessionFacts:
    """Return what a session of this runtime says of itself."""
    return SessionFacts(
        runtime="onnxruntime",
        runtime_version=ort.__version__,
        device=device.name or device.kind,
        options=dict(options),
        placement=placement,
        effective_precision="tf32" if case.precision == "tf32" else effective_precision,
        device_memory_bytes=memory_bytes,
        notes=notes,
    )
