"""An open ONNX Runtime session on host memory, driven through IOBinding."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import onnxruntime as ort

from engines.contract import CaptureError, EngineError, Placement, SessionFacts
from engines.ort.dtypes import HostTensor, laid_out, read
from engines.ort.varying import VaryingOutputs, are_open, bind_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engines.contract import Arrays, Call, DeviceClock, LayerTime
    from suites.case import OptionValue

_EXAMPLES = 5


class HostSession:
    """A session whose enqueue blocks: inputs and outputs stay in host memory, bound once."""

    def __init__(
        self,
        session: ort.InferenceSession,
        inputs: Arrays,
        options: Mapping[str, OptionValue],
        placement: tuple[Placement, ...],
    ) -> None:
        self._session = session
        self._options = dict(options)
        self._placement = placement
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
            device="cpu",
            options=self._options,
            placement=self._placement,
            notes=self._varying.notes if self._varying else (),
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
        if spec.name not in inputs:
            raise EngineError(
                "invalid-model",
                f"engine: expected an array for input {spec.name!r}, got {sorted(inputs)}",
                "Give the input's values under the model's `inputs`.",
            )
        tensor = inputs[spec.name]
        if tensor.onnx_type is None:
            binding.bind_cpu_input(spec.name, tensor.data)
        else:
            address = tensor.data.ctypes.data
            binding.bind_input(spec.name, "cpu", 0, tensor.onnx_type, tensor.shape, address)
    bind_outputs(session, binding)
    return binding


def placement(session: ort.InferenceSession) -> tuple[Placement, ...]:
    """Return how many nodes run on which provider.

    The session needs the config entry `session.record_ep_graph_assignment_info`.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for subgraph in session.get_provider_graph_assignment_info():
        nodes = subgraph.get_nodes()
        counts[subgraph.ep_name] += len(nodes)
        examples.setdefault(subgraph.ep_name, []).extend(n.name or n.op_type for n in nodes)
    return tuple(
        Placement(provider=name, nodes=count, examples=tuple(examples[name][:_EXAMPLES]))
        for name, count in counts.most_common()
    )
