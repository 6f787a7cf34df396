"""A torch module as an ONNX model, compared with the module once it is exported.

Traced (`dynamo=False`): the other exporter unrolls recurrent layers and freezes their sequence.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError
from harness.exception_text import exception_text
from harness.torch_parity import Pair, first_difference, require_repeatable
from suites.shapes import is_dimension_name, names_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

Keys = tuple[str | int, ...]
"""What leads to a tensor in nested mappings and tuples."""

OPSET = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchModel:
    """What the function `name` returned: a module on the CPU, and a tensor for each argument."""

    name: str
    module: Any
    examples: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The ONNX model's bytes, and how its outputs differ from the module's; empty: they agree."""

    data: bytes
    mismatch: str


def export(model: TorchModel, header: Mapping[str, Any]) -> Exported:
    """Return the module exported in evaluation mode and compared on several sets of inputs.

    `header` has the suite's `dims`, whose names become dynamic, and its `values`. Raises
    EngineError where the module cannot run, be exported, or be compared.
    """
    model.module.eval()
    outputs = _arrays(run_module(model, model.examples))
    require_repeatable(model.name, outputs, _arrays(run_module(model, model.examples)))
    data = _exported(model, header["dims"], tuple(outputs))
    with tempfile.TemporaryDirectory(prefix="dyno-") as name:
        path = Path(name) / "model.onnx"
        path.write_bytes(data)
        pair = Pair(
            path=path,
            run=lambda arrays: _arrays(run_module(model, _with_values(model, arrays))),
            examples=_arrays(model.examples),
        )
        mismatch = first_difference(pair, outputs, dims=header["dims"], values=header["values"])
    return Exported(data=data, mismatch=mismatch)


def run_module(model: TorchModel, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the module's outputs by name. Raises EngineError."""
    import torch

    try:
        with torch.no_grad():
            result = model.module(**tensors)
    except Exception as error:
        raise EngineError(
            "invalid-model",
            f"expected the module of {model.name} to run on its example inputs, "
            f"got {exception_text(error)}",
            "Name the example inputs as its forward names its arguments.",
        ) from error
    named = [(_name(path), leaf) for path, leaf in _leaves(result)]
    leaves = dict(named)
    wrong = [name for name, leaf in leaves.items() if not isinstance(leaf, torch.Tensor)]
    if wrong or not leaves:
        got = f"a {type(leaves[wrong[0]]).__name__} as {wrong[0]}" if wrong else "none"
        raise EngineError(
            "invalid-model",
            f"expected tensors from the module of {model.name}, got {got}",
            "Wrap it in a module that returns only tensors.",
        )
    names = [name for name, _ in named]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise EngineError(
            "invalid-model",
            f"expected outputs of different names from the module of {model.name}, "
            f"got {twice!r} twice",
            "Rename one of them.",
        )
    return leaves


def _leaves(value: object, path: Keys = ()) -> Iterator[tuple[Keys, object]]:
    """Return the tensors of a module's result, each with the keys and positions down to it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, tuple | list):
        for position, item in enumerate(value):
            yield from _leaves(item, (*path, position))
    elif value is not None:
        yield path, value


def _name(path: Keys) -> str:
    """Return what an output is called: `output`, `output1`, `output1.0`, `tags`, `last.state`."""
    first = path[0] if path else ""
    stem = first if path and isinstance(first, str) else f"output{first}"
    return ".".join([stem, *map(str, path[1:])])


def _arrays(tensors: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return tensors as arrays; numpy lacks bfloat16."""
    import ml_dtypes
    import numpy as np
    import torch

    held = {name: tensor.detach() for name, tensor in tensors.items()}
    return {
        name: tensor.float().numpy().astype(ml_dtypes.bfloat16)
        if tensor.dtype == torch.bfloat16
        else np.array(tensor.numpy())
        for name, tensor in held.items()
    }


def _with_values(model: TorchModel, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the arrays as tensors of the examples' types, the examples for what is left out."""
    import numpy as np
    import torch

    tensors = dict(model.examples)
    for name, array in arrays.items():
        plain = array.astype(np.float32) if array.dtype.kind == "V" else array
        tensor = torch.from_numpy(np.array(plain, order="C"))
        tensors[name] = tensor.to(model.examples[name].dtype)
    return tensors


def _exported(
    model: TorchModel, dims: Mapping[str, list[int | str]], outputs: tuple[str, ...]
) -> bytes:
    import torch

    names = list(model.examples)

    class Flat(torch.nn.Module):  # type: ignore[misc]
        """The module with its arguments by position and its outputs as one tuple."""

        def __init__(self) -> None:
            super().__init__()
            self.module = model.module

        def forward(self, *tensors: Any) -> Any:
            result = self.module(**dict(zip(names, tensors, strict=True)))
            return tuple(leaf for _, leaf in _leaves(result))

    stream = io.BytesIO()
    try:
        torch.onnx.export(
            Flat().eval(),
            tuple(model.examples.values()),
            stream,
            input_names=names,
            output_names=list(outputs),
            dynamic_axes=_dynamic_axes(model, dims),
            opset_version=OPSET,
            dynamo=False,
        )
    except Exception as error:
        raise EngineError(
            "invalid-model",
            f"expected the module of {model.name} to export to ONNX opset {OPSET}, "
            f"got {exception_text(error)}",
            "Export it yourself, and return the onnx.ModelProto.",
        ) from error
    return stream.getvalue()


def _dynamic_axes(
    model: TorchModel, dims: Mapping[str, list[int | str]]
) -> dict[str, dict[int, str]]:
    """Return the axes of each input that the suite's `dims` name, an expression under any name."""
    return {
        name: {
            axis: str(dim) if is_dimension_name(str(dim)) else f"{name}_{axis}"
            for axis, dim in enumerate(dims[name])
            if names_in(dim) and axis < tensor.dim()
        }
        for name, tensor in model.examples.items()
        if name in dims
    }
