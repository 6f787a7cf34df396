"""The inputs and outputs that an ONNX file declares, read without its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engines.graph.errors import GraphError
from suites.errors import reason
from suites.expressions import parse_expression
from suites.shapes import name_batch
from suites.signature import Dim, Signature, TensorSpec

if TYPE_CHECKING:
    import os

    from onnx import ModelProto, TensorShapeProto, ValueInfoProto

_LFS_POINTER = b"version https://git-lfs"
_UNNAMED_PREFIX = "unk__"


def load_graph(path: str | os.PathLike[str], *, where: str | None = None) -> ModelProto:
    """Return the model in a file, its external data left alone.

    `where` begins messages instead of the path. Raises GraphError for what is no ONNX model.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    place = str(path) if where is None else where
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise GraphError(f"{place}: expected an ONNX model, got: {reason(error)}.") from error
    if data.startswith(_LFS_POINTER):
        raise GraphError(
            f"{place}: expected an ONNX model, got a Git LFS pointer. Run git lfs pull."
        )
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise GraphError(f"{place}: {_no_model(data)}") from error
    if not model.ir_version or not model.HasField("graph"):
        raise GraphError(f"{place}: {_no_model(data)}")
    return model


def _no_model(data: bytes) -> str:
    found = f"{len(data)} bytes that are none" if data else "an empty file"
    return f"expected an ONNX model, got {found}. It may be truncated: copy or export it again."


def read_signature(
    model_or_path: ModelProto | str | os.PathLike[str], *, where: str | None = None
) -> Signature:
    """Return what the model takes and gives; initializers are no inputs.

    Dimensions without a usable name (`?`, `unk__0`, negative sizes) are None; a customary name of
    the batch becomes `batch`; an output without a shape has one unknown dimension. `where` begins
    messages. Raises GraphError, also for inputs and outputs that are no tensors of numbers.
    """
    import onnx

    from engines.graph.bounds import index_bounds

    if isinstance(model_or_path, onnx.ModelProto):
        model, place = model_or_path, where or model_or_path.graph.name or "model"
    else:
        model, place = load_graph(model_or_path, where=where), where or str(model_or_path)
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    for kind, values in (("input", given), ("output", model.graph.output)):
        if not values:
            raise GraphError(f"{place}: expected at least one {kind}, got none. Export it again.")
    bounds = index_bounds(model.graph, [value.name for value in given])
    inputs = tuple(_input(value, bounds.get(value.name), place) for value in given)
    outputs = tuple(_spec(value, "output", place) for value in model.graph.output)
    return name_batch(Signature(inputs=inputs, outputs=outputs))


def _input(value: ValueInfoProto, bound: int | None, place: str) -> TensorSpec:
    spec = _spec(value, "input", place)
    if not value.type.tensor_type.HasField("shape"):
        raise GraphError(
            f"{place}: expected a shape for input {value.name!r}, got none. "
            "Export the model with one."
        )
    return TensorSpec(name=spec.name, dtype=spec.dtype, dims=spec.dims, bound=bound)


def _spec(value: ValueInfoProto, kind: str, place: str) -> TensorSpec:
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    held = value.type.WhichOneof("value")
    tensor = value.type.tensor_type
    if held != "tensor_type" or tensor.elem_type == TensorProto.UNDEFINED:
        got = "no type" if held in (None, "tensor_type") else held.removesuffix("_type")
        raise GraphError(
            f"{place}: expected a tensor as {kind} {value.name!r}, got {got}, "
            "which is not supported."
        )
    if tensor.elem_type == TensorProto.STRING:
        raise GraphError(f"{place}: expected numbers for {kind} {value.name!r}, got text.")
    dims = tuple(_dim(dim) for dim in tensor.shape.dim) if tensor.HasField("shape") else (None,)
    try:
        dtype = tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError:
        raise GraphError(
            f"{place}: expected a type that ONNX has for {kind} {value.name!r}, "
            f"got {tensor.elem_type}. Export it again, or install a newer onnx."
        ) from None
    return TensorSpec(name=value.name, dtype=dtype, dims=dims)


def _dim(dim: TensorShapeProto.Dimension) -> Dim:
    if dim.HasField("dim_value"):
        return dim.dim_value if dim.dim_value >= 0 else None
    name = dim.dim_param
    if name.startswith(_UNNAMED_PREFIX) or parse_expression(name) is None:
        return None
    return name
