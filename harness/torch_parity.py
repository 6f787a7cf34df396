"""Whether an exported file computes what its torch module does, on ONNX Runtime's CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import registry
from engines.contract import EngineError, PreparedModel
from engines.graph.signature import read_signature
from suites.case import Case
from suites.errors import SuiteError
from suites.inputs import make_inputs
from suites.shapes import evaluate, is_dimension_name, model_signature, names_in
from suites.suite import BuiltinSource, FixedInput, Model, RandomInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from suites.signature import Signature

    Arrays = Mapping[str, NDArray[np.generic]]

BACKEND = "onnxruntime-cpu"
TOLERANCE = 1e-3
"""Of the largest value of an output; half types get HALF_TOLERANCE."""
HALF_TOLERANCE = 2e-2
_SEED = 1
_SMALLEST_TO_HALVE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An ONNX file and the module it came from; `run` takes tensors and returns outputs."""

    path: Path
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    examples: Mapping[str, Any]


def first_difference(
    pair: Pair,
    expected: Mapping[str, Any],
    *,
    dims: Mapping[str, list[int | str]],
    values: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return how the file differs from its module, or nothing.

    Looked for on the examples, whose outputs are `expected`, and on random values of other sizes
    for whatever `dims` names. Raises EngineError where ONNX Runtime is missing.
    """
    _require_runtime()
    signature = read_signature(pair.path)
    known = [spec.name for spec in signature.inputs]
    examples = {name: _array(pair.examples[name]) for name in known}
    if found := _difference(pair, examples, expected, "on the example inputs"):
        return found
    model = _model(dims, values)
    try:
        applied = model_signature(model, signature, "")
    except SuiteError:
        return ""  # whoever applies the suite's dims to this file says it with their place
    case = _other_case(applied, examples)
    arrays = _random(model, applied, case)
    sizes = ", ".join(f"{name}={size}" for name, size in case.sizes.items())
    try:
        outputs = pair.run({name: _tensor(arrays[name], pair.examples[name]) for name in arrays})
    except EngineError as error:
        return f"with {sizes}: {error.message.replace(' on its example inputs', '')}"
    return _difference(pair, arrays, outputs, f"with {sizes}")


def _require_runtime() -> None:
    if (missing := registry.get(BACKEND).unavailable()) is not None:
        problem = "expected ONNX Runtime to compare the exported module with, got none"
        raise EngineError("import", problem, missing)


def _model(dims: Mapping[str, list[int | str]], values: Mapping[str, Mapping[str, Any]]) -> Model:
    return Model(
        name="model",
        source=BuiltinSource(name="torch"),
        dims=tuple((name, tuple(given)) for name, given in dims.items()),
        inputs=tuple((name, _source(given)) for name, given in values.items()),
    )


def _random(model: Model, signature: Signature, case: Case) -> Arrays:
    """Return random inputs of the case. Raises EngineError."""
    try:
        return make_inputs(model, signature, case, _SEED)
    except SuiteError as error:
        problem = str(error).replace(f"{case.id}: ", "").rstrip(".")
        hint = "Mend the model's dims and inputs."
        raise EngineError("invalid-model", f"cannot be compared: {problem}", hint) from error


def _other_case(signature: Signature, examples: Arrays) -> Case:
    """Return a case whose sizes are not those of the examples."""
    sizes: dict[str, int] = {}
    for spec in signature.inputs:
        for dim, size in zip(spec.dims, examples[spec.name].shape, strict=True):
            names = names_in(dim)
            if len(names) == 1:
                sizes.setdefault(names[0], _other(_solved(str(dim), names[0], size)))
    batch = sizes.pop("batch", 1)
    return Case(
        model="model", backend=BACKEND, precision="fp32", batch=batch, dims=tuple(sizes.items())
    )


def _solved(dim: str, name: str, size: int) -> int:
    """Return what the name stands for where the dimension has this size; 1 where nothing fits."""
    if is_dimension_name(dim):
        return size
    fitting = (n for n in range(1, 2 * size + 1) if evaluate(dim, {name: n}) == size)
    return next(fitting, 1)


def _source(given: Mapping[str, Any]) -> FixedInput | RandomInput:
    return FixedInput(**given) if "value" in given else RandomInput(**given)


def _other(size: int) -> int:
    """Return half of an even size, which is seldom illegal, else twice the size."""
    return size // 2 if size % 2 == 0 and size >= _SMALLEST_TO_HALVE else 2 * size


def _difference(pair: Pair, arrays: Arrays, expected: Mapping[str, Any], when: str) -> str:
    try:
        found = _run(pair.path, arrays)
    except EngineError as error:
        return f"the exported model fails {when}: {error.message}"
    for name, tensor in expected.items():
        if problem := _distance(found[name], _array(tensor)):
            return f"output {name!r} of the exported model {problem} {when}"
    return ""


def _run(path: Path, arrays: Arrays) -> Arrays:
    """Return the outputs of the file as it is, not optimized. Raises EngineError."""
    backend = registry.get(BACKEND)
    options = (("graph_optimization", "disabled"),)
    case = Case(model="model", backend=BACKEND, precision="fp32", batch=1, options=options)
    engine = backend.build(PreparedModel(path=path, sha256=""), case, path.with_suffix(".engine"))
    with backend.open(engine, case, arrays) as session:
        try:
            session.enqueue[0]()
        except Exception as error:
            raise backend.explain(error) from error
        return session.outputs()


def _distance(found: NDArray[Any], expected: NDArray[Any]) -> str:
    """Return how far an output is from the module's beyond the tolerance, or nothing."""
    if found.shape != expected.shape:
        return f"has shape {list(found.shape)}, the module's {list(expected.shape)},"
    if not expected.size:
        return ""
    half = expected.dtype.name in ("float16", "bfloat16")
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    wide = expected.astype(np.float64)
    apart = np.abs(found.astype(np.float64) - wide)
    largest = float(np.abs(wide).max())
    if bool((apart <= tolerance * largest).all()):
        return ""
    return f"differs by up to {float(apart.max()):.3g}, the module's reaching {largest:.3g},"


def _array(tensor: Any) -> NDArray[Any]:
    """Return a tensor as an array; numpy lacks bfloat16."""
    import ml_dtypes
    import torch

    held = tensor.detach()
    if held.dtype == torch.bfloat16:
        return np.asarray(held.float().numpy().astype(ml_dtypes.bfloat16))
    return np.asarray(held.numpy())


def _tensor(array: NDArray[Any], like: Any) -> Any:
    import torch

    plain = array.astype(np.float32) if array.dtype.kind == "V" else array
    return torch.from_numpy(np.ascontiguousarray(plain)).to(like.dtype)
