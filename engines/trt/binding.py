"""The tensors of one execution context: shapes, device buffers, and values that the host reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.contract import EngineError
from engines.feeding import refuse_others
from engines.trt.tensors import checked_input, known_shape, size_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from engines.contract import Arrays, Call
    from engines.cuda.context import Context, Stream
    from engines.trt.messages import Messages
    from engines.trt.tensors import Tensor

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer:
    """A tensor's memory on the device, and an array of its type and shape on the host."""

    name: str
    address: int
    host: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """A slot's copies, and its pinned inputs and outputs."""

    copy_in: Call
    copy_out: Call
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """An execution context with all of its tensors bound.

    `inputs` hold the case's values, on both sides; `outputs` have undefined ones on the host.
    `on_host` are the values of shapes, which the runtime reads where they are.
    """

    execution: Any
    stream: Stream
    context: Context
    inputs: Sequence[Buffer]
    outputs: Sequence[Buffer]
    on_host: Mapping[str, Array]

    def copies(self) -> Copies:
        """Return the copies of one more slot, with pinned memory of its own."""
        sources, results = self._pinned(self.inputs), self._pinned(self.outputs)
        for buffer in self.inputs:
            np.copyto(sources[buffer.name], buffer.host)
        return Copies(
            copy_in=self.context.copies_in(
                [(buffer.address, sources[buffer.name]) for buffer in self.inputs], self.stream
            ),
            copy_out=self.context.copies_out(
                [(results[buffer.name], buffer.address) for buffer in self.outputs], self.stream
            ),
            inputs=sources,
            outputs=results,
        )

    def feed(self, arrays: Arrays, copies: Copies | None) -> None:
        """Replace the inputs' values where they are copied from, or on the device for None.

        Raises EngineError for other values of a shape: the outputs have buffers for these.
        """
        refuse_others(self.on_host, arrays)
        for buffer in self.inputs:
            if copies is not None:
                np.copyto(copies.inputs[buffer.name], arrays[buffer.name])
            elif buffer.host.nbytes:
                self.context.upload(buffer.address, arrays[buffer.name], self.stream)

    def download(self) -> dict[str, Array]:
        """Return copies of the outputs on the device, the shapes among them as they are here."""
        arrays = {buffer.name: np.empty_like(buffer.host) for buffer in self.outputs}
        for buffer in self.outputs:
            if buffer.host.nbytes:
                self.context.download(arrays[buffer.name], buffer.address, self.stream)
        return arrays

    def _pinned(self, buffers: Sequence[Buffer]) -> dict[str, Array]:
        return {
            buffer.name: self.context.pinned(buffer.host.shape, buffer.host.dtype)
            for buffer in buffers
        }


def bind(
    execution: Any,
    tensors: Sequence[Tensor],
    arrays: Arrays,
    context: Context,
    stream: Stream,
    messages: Messages,
) -> Binding:
    """Return the context with the arrays' shapes set and every tensor at an address.

    Raises EngineError: a shape that the plan does not take, a type that is not the plan's, an
    output whose shape only the data tells, no memory.
    """
    inputs: list[Buffer] = []
    on_host: dict[str, Array] = {}
    for tensor in tensors:
        if not tensor.is_input:
            continue
        array = checked_input(tensor, arrays)
        if not execution.set_input_shape(tensor.name, tuple(array.shape)):
            raise _refused_shape(tensor, array, messages)
        if tensor.on_host:
            on_host[tensor.name] = array
            _set_address(execution, tensor.name, array.ctypes.data, messages)
        else:
            inputs.append(_buffer(execution, tensor, array, context, messages))
    _require_shapes(execution, messages)
    outputs = [
        _output(execution, tensor, context, messages) for tensor in tensors if not tensor.is_input
    ]
    _upload(inputs, context, stream)
    return Binding(
        execution=execution,
        stream=stream,
        context=context,
        inputs=inputs,
        outputs=outputs,
        on_host=on_host,
    )


def _refused_shape(tensor: Tensor, array: Array, messages: Messages) -> EngineError:
    shape = "×".join(map(str, array.shape)) or "a scalar"
    reason = messages.failure("no reason given", default="shape-out-of-profile")
    return EngineError(
        "shape-out-of-profile",
        f"input {tensor.name!r}: the plan does not take {shape}: {reason.message}",
        "Rebuild, or widen the plan's profile with min_batch and max_batch.",
    )


def _require_shapes(execution: Any, messages: Messages) -> None:
    """Have the runtime infer the outputs' shapes; it names the inputs that it lacks.

    Where the inputs' shapes or values contradict each other it raises, and logs why.
    """
    try:
        missing = execution.infer_shapes()
    except RuntimeError as error:
        raise messages.failure(str(error), default="shape-out-of-profile") from error
    if missing:
        raise messages.failure(
            f"the shapes or values of {', '.join(missing)} are not known",
            default="shape-out-of-profile",
        )


def _output(execution: Any, tensor: Tensor, context: Context, messages: Messages) -> Buffer:
    shape = known_shape(tensor, tuple(execution.get_tensor_shape(tensor.name)))
    if tensor.on_host:
        raise EngineError(
            "unsupported-op",
            f"output {tensor.name!r}: expected a tensor on the device, got the values of a shape",
            "Leave that output out of the model.",
        )
    return _buffer(execution, tensor, np.empty(shape, tensor.dtype), context, messages)


def _buffer(
    execution: Any, tensor: Tensor, host: Array, context: Context, messages: Messages
) -> Buffer:
    address = context.buffer(size_bytes(tensor, host.shape))
    _set_address(execution, tensor.name, address, messages)
    return Buffer(name=tensor.name, address=address, host=host)


def _set_address(execution: Any, name: str, address: int, messages: Messages) -> None:
    if not execution.set_tensor_address(name, address):
        raise messages.failure(f"the address of {name!r} was refused", default="build")


def _upload(inputs: Sequence[Buffer], context: Context, stream: Stream) -> None:
    for buffer in inputs:
        if buffer.host.nbytes:
            context.upload(buffer.address, buffer.host, stream)
