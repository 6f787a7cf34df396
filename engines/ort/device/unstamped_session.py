"""An open ONNX Runtime session on the device without pycuda: it blocks, on the host's clock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from engines.contract import CaptureError, EngineError
from engines.feeding import Feed, refuse_others
from engines.ort.device.lane import is_on_device
from engines.ort.device.on_device import refused
from engines.ort.device.run_options import RUNS_TO_CAPTURE, run_options
from engines.ort.dtypes import laid_out
from engines.ort.session import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from engines.contract import Arrays, Call, DeviceClock, LayerTime, SessionFacts

    Array = NDArray[Any]


class UnstampedSession:
    """A session on a stream of ONNX Runtime's own; `enqueue` waits for it. I/O stays on the device.

    Inputs and outputs of types that numpy lacks cannot be put there without pycuda.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Mapping[str, Array],
        facts: SessionFacts,
        *,
        cuda_graph: bool,
    ) -> None:
        self._session = session
        self._facts = facts
        self._cuda_graph = cuda_graph
        self._feed = Feed(inputs)
        self._given = inputs
        self._baked: Arrays = {}
        self._binding = session.io_binding()
        self._inputs = {
            spec.name: _on_device(spec.name, needed(inputs, spec.name))
            for spec in session.get_inputs()
        }
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        self._outputs = self._allocated()
        self.enqueue: Sequence[Call] = (self._query(graph=False),)
        self.copy_in: Sequence[Call] = ()
        self.copy_out: Sequence[Call] = ()
        self.fence: Sequence[Call] = ()
        self.flush: Sequence[Call] = ()
        self.wait: Sequence[Call] | None = None
        self.clock: DeviceClock | None = None
        self.host_clock: Callable[[], int] | None = None

    def capture(self) -> None:
        """Have ONNX Runtime capture its CUDA graph, which later queries replay."""
        if not self._cuda_graph:
            raise CaptureError("the session was opened without cuda_graph", "Set cuda_graph: true.")
        replay = self._query(graph=True)
        try:
            for _ in range(RUNS_TO_CAPTURE):
                replay()
        except Exception as error:
            raise refused(error) from error
        self.enqueue = (replay,)
        infos = zip(self._session.get_inputs(), self._session.get_input_memory_infos(), strict=True)
        self._baked = {
            spec.name: self._given[spec.name] for spec, info in infos if not is_on_device(info)
        }

    def feed(self, inputs: Arrays) -> None:
        """Copy the values to where the inputs are on the device.

        Raises EngineError for other values of what a captured graph has read on the host.
        """
        fed = self._feed.copied(inputs)
        refuse_others(self._baked, fed)
        for name, array in fed.items():
            if name in self._inputs and array.nbytes:
                self._inputs[name].update_inplace(array)

    def outputs(self) -> Arrays:
        """Return copies of the last query's outputs by name."""
        return {name: value.numpy() for name, value in self._outputs.items()}

    def facts(self) -> SessionFacts:
        """Return the runtime's version, the options as set, and where the nodes run."""
        return self._facts

    def profile(self) -> Sequence[LayerTime] | None:
        """Return None: ONNX Runtime profiles a session of its own only."""
        return None

    def _query(self, *, graph: bool) -> Call:
        options = run_options(graph=graph, waits=True)
        return partial(self._session.run_with_iobinding, self._binding, options)

    def _allocated(self) -> dict[str, ort.OrtValue]:
        """Run once to learn the outputs' shapes, and bind outputs that stay where they are."""
        names = [spec.name for spec in self._session.get_outputs()]
        for name in names:
            self._binding.bind_output(name, "cuda", 0)
        self._query(graph=False)()
        found = dict(zip(names, self._binding.get_outputs(), strict=True))
        shapes = {name: (value.shape(), value.element_type()) for name, value in found.items()}
        found.clear()
        self._binding.clear_binding_outputs()
        make = ort.OrtValue.ortvalue_from_shape_and_type
        outputs = {name: make(shape, kind, "cuda", 0) for name, (shape, kind) in shapes.items()}
        for name, value in outputs.items():
            self._binding.bind_ortvalue_output(name, value)
        return outputs


def _on_device(name: str, array: Array) -> ort.OrtValue:
    if laid_out(array).onnx_type is not None:
        raise EngineError(
            "unsupported-op",
            f"input {name!r} is {array.dtype.name}, which goes to the device through pycuda only",
            "Install dyno with the 'cuda' extra.",
        )
    return ort.OrtValue.ortvalue_from_numpy(array, "cuda", 0)
