"""An open ONNX Runtime session on host memory, driven through IOBinding."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

import onnxruntime as ort

from engines.contract import CaptureError, EngineError, SessionFacts
from engines.feeding import Feed
from engines.ort.dtypes import HostTensor, laid_out, read
from engines.ort.varying import VaryingOutputs, are_open, bind_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engines.contract import Arrays, Call, DeviceClock, LayerTime, Placement
    from suites.case import OptionValue

Given = TypeVar("Given")


class HostSession:
    """A session whose enqueue blocks: inputs and outputs stay in host memory, bound once."""

    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Arrays,
        options: Mapping[str, OptionValue],
        placement: tuple[Placement, ...],
        *,
        device: str = "cpu",
        effective_precision: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._device = device
        self._effective_precision = effective_precision
        self._notes = notes
        self._session = session
        self._options = dict(options)
        self._placement = placement
        self._feed = Feed(inputs)
        self._inputs = {name: laid_out(array) for name, array in inputs.items()}
        self._binding = bind(session, self._inputs)
        self._varying = VaryingOutputs(session, self._binding) if are_open(session) else None
        bound = partial(session.run_with_iobinding, self._binding)
        self.enqueue: Sequence[Call] = (self._varying or bound,)
        self.copy_in: Sequence[Call] = ()
        self.copy_out: Sequence[Call] = ()
        self.fence: Sequence[Call] = ()
        self.flush: Sequence[Call] = ()
        self.wait: Sequence[Call] | None = None
        self.clock: DeviceClock | None = None
        self.host_clock: Callable[[], int] | None = None

    def capture(self) -> None:
        """Raise: there is no graph to capture on the host."""
        raise CaptureError("a CPU session has no CUDA graph", "Leave cuda_graph out for it.")

    def feed(self, inputs: Arrays) -> None:
        """Bind copies of the arrays in place of those that are bound."""
        for name, array in self._feed.copied(inputs).items():
            self._inputs[name] = laid_out(array)
        for spec in self._session.get_inputs():
            bind_host_input(self._binding, spec.name, self._inputs[spec.name])

    def outputs(self) -> Arrays:
        """Return copies of the last query's outputs by name, but those that no array can hold."""
        names = [out.name for out in self._session.get_outputs()]
        values = zip(names, self._binding.get_outputs(), strict=True)
        arrays = {name: read(value) for name, value in values if value.is_tensor()}
        return {name: array for name, array in arrays.items() if array is not None}

    def facts(self) -> SessionFacts:
        """Return the runtime's version, the options as set, and where the nodes run."""
        return SessionFacts(
            runtime="onnxruntime",
            runtime_version=ort.__version__,
            device=self._device,
            options=self._options,
            placement=self._placement,
            effective_precision=self._effective_precision,
            notes=(*self._notes, *(self._varying.notes if self._varying else ())),
        )

    def profile(self) -> Sequence[LayerTime] | None:
        """Return None: ONNX Runtime profiles a session of its own only."""
        return None


def bind(session: ort.InferenceSession, inputs: Mapping[str, HostTensor]) -> ort.IOBinding:
    """Return a binding of the tensors to the session's inputs, its outputs on the host.

    The tensors outlive the binding. Raises EngineError for an input that is missing.
    """
    binding = session.io_binding()
    for spec in session.get_inputs():
        bind_host_input(binding, spec.name, needed(inputs, spec.name))
    bind_outputs(session, binding)
    return binding


def bind_host_input(binding: ort.IOBinding, name: str, tensor: HostTensor) -> None:
    """Bind a tensor in host memory, which outlives the binding."""
    if tensor.onnx_type is None:
        binding.bind_cpu_input(name, tensor.data)
    else:
        address = tensor.data.ctypes.data
        binding.bind_input(name, "cpu", 0, tensor.onnx_type, tensor.shape, address)


def needed(inputs: Mapping[str, Given], name: str) -> Given:
    """Return what is given for an input. Raises EngineError where nothing is."""
    if name not in inputs:
        raise EngineError(
            "invalid-model",
            f"engine: expected an array for input {name!r}, got {sorted(inputs)}",
            "Give the input's values under the model's `inputs`.",
        )
    return inputs[name]
