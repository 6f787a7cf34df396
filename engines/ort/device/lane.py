"""A session of ONNX Runtime on a stream of dyno's own, its inputs and outputs in device memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.feeding import refuse_others
from engines.ort.device.run_options import RUNS_TO_CAPTURE, run_options
from engines.ort.dtypes import from_bytes, laid_out, read
from engines.ort.session import bind_host_input, needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnxruntime as ort
    from numpy.typing import NDArray

    from engines.contract import Call
    from engines.cuda.context import Context, Stream
    from engines.ort.dtypes import HostTensor

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTensor:
    """A tensor in device memory; `onnx_type` is its number in onnx.proto."""

    address: int
    shape: tuple[int, ...]
    onnx_type: int
    size_bytes: int


class Lane:
    """One session, bound to buffers in the memory of `context`, that runs on `stream`.

    What the session wants in host memory, such as shapes, stays there. The first run happens here:
    it tells the shapes of the outputs.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        context: Context,
        stream: Stream,
        inputs: Mapping[str, Array],
    ) -> None:
        self.stream = stream
        self._session = session
        self._context = context
        self._binding = session.io_binding()
        self._is_captured = False
        self._host: dict[str, HostTensor] = {}
        self.inputs: dict[str, tuple[int, Array]] = {}
        self._bind_inputs(inputs)
        self._on_host = [
            spec.name
            for spec, info in zip(
                session.get_outputs(), session.get_output_memory_infos(), strict=True
            )
            if not is_on_device(info)
        ]
        self.outputs: dict[str, DeviceTensor] = {}
        self._bind_outputs()

    def query(self) -> Call:
        """Return the call that enqueues a query."""
        return partial(
            self._session.run_with_iobinding, self._binding, run_options(graph=False, waits=False)
        )

    def captured(self) -> Call:
        """Return the call that replays the session's CUDA graph, captured now.

        Raises what the runtime raises. The session has `enable_cuda_graph`; the graph belongs to
        the calling thread.
        """
        call = partial(
            self._session.run_with_iobinding, self._binding, run_options(graph=True, waits=False)
        )
        for _ in range(RUNS_TO_CAPTURE):
            call()
        self.stream.synchronize()
        self._is_captured = True
        return call

    def feed(self, inputs: Mapping[str, Array]) -> None:
        """Replace the values of the inputs; the arrays, contiguous, are the lane's from now on.

        Raises EngineError for other values of an input in host memory once a graph is captured.
        """
        if self._is_captured:
            before = {name: tensor.data for name, tensor in self._host.items()}
            refuse_others(before, {name: laid_out(inputs[name]).data for name in before})
        for name, array in inputs.items():
            tensor = laid_out(array)
            if name in self._host:
                bind_host_input(self._binding, name, tensor)
                self._host[name] = tensor
            elif name in self.inputs:
                address, _ = self.inputs[name]
                if tensor.data.nbytes:
                    self._context.upload(address, tensor.data, self.stream)
                self.inputs[name] = (address, tensor.data)

    def read_outputs(self) -> dict[str, Array]:
        """Return copies of the last query's outputs, but those that no array can hold."""
        arrays: dict[str, Array] = {}
        values = zip(self._session.get_outputs(), self._binding.get_outputs(), strict=True)
        for spec, value in values:
            if spec.name in self.outputs:
                tensor = self.outputs[spec.name]
                raw = np.empty(tensor.size_bytes, np.uint8)
                self._context.download(raw, tensor.address, self.stream)
                found = from_bytes(raw, tensor.onnx_type, tensor.shape)
            else:
                found = read(value) if value.is_tensor() else None
            if found is not None:
                arrays[spec.name] = found
        return arrays

    def _bind_inputs(self, inputs: Mapping[str, Array]) -> None:
        infos = self._session.get_input_memory_infos()
        for spec, info in zip(self._session.get_inputs(), infos, strict=True):
            tensor = laid_out(needed(inputs, spec.name))
            if not is_on_device(info):
                self._host[spec.name] = tensor
                bind_host_input(self._binding, spec.name, tensor)
                continue
            data = np.ascontiguousarray(tensor.data)
            address = self._context.buffer(data.nbytes)
            if data.nbytes:
                self._context.upload(address, data, self.stream)
            element = tensor.onnx_type or data.dtype.type
            self._binding.bind_input(spec.name, "cuda", 0, element, tensor.shape, address)
            self.inputs[spec.name] = (address, data)

    def _bind_outputs(self) -> None:
        """Run once with outputs of the runtime's own, then give each a buffer that stays."""
        names = [spec.name for spec in self._session.get_outputs()]
        for name in names:
            self._binding.bind_output(name, "cpu" if name in self._on_host else "cuda", 0)
        self.query()()
        self.stream.synchronize()
        found = dict(zip(names, self._binding.get_outputs(), strict=True))
        for name, value in found.items():
            if name not in self._on_host and value.is_tensor():
                size_bytes = value.tensor_size_in_bytes()
                self.outputs[name] = DeviceTensor(
                    address=self._context.buffer(size_bytes),
                    shape=tuple(value.shape()),
                    onnx_type=value.element_type(),
                    size_bytes=size_bytes,
                )
        found.clear()
        self._binding.clear_binding_outputs()
        for name in names:
            self._bind_output(name)

    def _bind_output(self, name: str) -> None:
        if name not in self.outputs:
            self._binding.bind_output(name, "cpu")
            return
        tensor = self.outputs[name]
        self._binding.bind_output(name, "cuda", 0, tensor.onnx_type, tensor.shape, tensor.address)


def is_on_device(info: Any) -> bool:
    """Return whether a session wants a tensor of that memory info on the device."""
    return str(info.name) != "Cpu" and "Pinned" not in str(info.name)
