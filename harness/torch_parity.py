"""Whether an exported file computes what its torch module does, on ONNX Runtime's CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import registry
from engines.contract import Device, EngineError, PreparedModel, Site
from engines.graph.signature import read_signature
from suites.case import Case
from suites.errors import SuiteError
from suites.expressions import evaluate
from suites.inputs import make_inputs
from suites.shapes import is_dimension_name, model_signature, names_in
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
    """An ONNX file and the module it came from; `run` takes arrays and returns its outputs."""

    path: Path
    run: Callable[[Arrays], Arrays]
    examples: Arrays


def first_difference(
    pair: Pair,
    expected: Arrays,
    *,
    dims: Mapping[str, list[int | str]],
    values: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return how the file differs from its module, or nothing.

    Looked for on the examples, whose outputs are `expected`, and on random values: of other sizes
    for whatever `dims` names, then of size 1 for one name after the other, where the module runs
    so. Raises EngineError where ONNX Runtime is missing.
    """
    _require_runtime()
    signature = read_signature(pair.path)
    examples = {spec.name: pair.examples[spec.name] for spec in signature.inputs}
    if found := _difference(pair, examples, expected, "on the example inputs"):
        return found
    model = _model(dims, values)
    try:
        applied = model_signature(model, signature, "")
    except SuiteError:
        return ""  # whoever applies the suite's dims to this file says it with their place
    sizes = _other_sizes(applied, examples)
    try:
        arrays = _random(model, applied, sizes)
    except SuiteError as error:
        problem = str(error).replace(f"{_case(sizes).id}: ", "").rstrip(".")
        hint = "Mend the model's dims and inputs."
        raise EngineError("invalid-model", f"cannot be compared: {problem}", hint) from error
    try:
        outputs = pair.run(arrays)
    except EngineError as error:
        return f"{_with(sizes)}: {error.message.replace(' on its example inputs', '')}"
    if found := _difference(pair, arrays, outputs, _with(sizes)):
        return found
    singles = (_single(pair, model, applied, {**sizes, name: 1}) for name in sizes)
    return next(filter(None, singles), "")


def require_repeatable(name: str, first: Arrays, second: Arrays) -> None:
    """Check the outputs of two runs on the same inputs. Raises EngineError where they differ."""
    for output, expected in first.items():
        if problem := _distance(second[output], expected):
            told = problem.replace("the module", "the first")
            raise EngineError(
                "invalid-model",
                f"expected the module of {name} to be deterministic, got an output {output!r} that "
                f"{told} when it runs again on the same inputs",
                "It is in evaluation mode already: take out what is random or kept in its forward.",
            )


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


def _random(model: Model, signature: Signature, sizes: Mapping[str, int]) -> Arrays:
    """Return random inputs of these sizes. Raises SuiteError."""
    return make_inputs(model, signature, _case(sizes), _SEED)


def _case(sizes: Mapping[str, int]) -> Case:
    dims = tuple((name, size) for name, size in sizes.items() if name != "batch")
    batch = sizes.get("batch", 1)
    return Case(model="model", backend=BACKEND, precision="fp32", batch=batch, dims=dims)


def _with(sizes: Mapping[str, int]) -> str:
    """Return the sizes as messages tell them."""
    spelled = ", ".join(f"{name}={size}" for name, size in sizes.items())
    return f"with {spelled}" if sizes else "with random values"


def _single(pair: Pair, model: Model, signature: Signature, sizes: Mapping[str, int]) -> str:
    """Return the difference where one size is 1; nothing where the module has no such size."""
    try:
        arrays = _random(model, signature, sizes)
        outputs = pair.run(arrays)
    except (SuiteError, EngineError):
        return ""
    return _difference(pair, arrays, outputs, _with(sizes))


def _other_sizes(signature: Signature, examples: Arrays) -> dict[str, int]:
    """Return a size for each name that is not the examples'."""
    sizes: dict[str, int] = {}
    for spec in signature.inputs:
        for dim, size in zip(spec.dims, examples[spec.name].shape, strict=True):
            names = names_in(dim)
            if len(names) == 1:
                sizes.setdefault(names[0], _other(_solved(str(dim), names[0], size)))
    return sizes


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


def _difference(pair: Pair, arrays: Arrays, expected: Arrays, when: str) -> str:
    try:
        found = _run(pair.path, arrays)
    except EngineError as error:
        return f"the exported model fails {when}: {error.message}"
    for name, array in expected.items():
        if problem := _distance(found[name], array):
            return f"output {name!r} of the exported model {problem} {when}"
    return ""


def _run(path: Path, arrays: Arrays) -> Arrays:
    """Return the outputs of the file as it is, not optimized. Raises EngineError."""
    backend = registry.get(BACKEND)
    options = (("graph_optimization", "disabled"),)
    case = Case(model="model", backend=BACKEND, precision="fp32", batch=1, options=options)
    site = Site(device=Device(kind=backend.device), scratch=path.parent)
    model = PreparedModel(path=path, sha256="")
    engine = backend.build(model, case, path.with_suffix(".engine"), site)
    with backend.open(engine, case, arrays, site) as session:
        try:
            session.enqueue[0]()
        except Exception as error:
            raise backend.explain(error) from error
        return session.outputs()


def _distance(found: NDArray[Any], expected: NDArray[Any]) -> str:
    """Return how far an output is from the module's beyond the tolerance, or nothing.

    NaNs and infinities must be the same; distance and tolerance are those of the other values.
    """
    if found.shape != expected.shape:
        return f"has shape {list(found.shape)}, the module's {list(expected.shape)},"
    half = expected.dtype.name in ("float16", "bfloat16")
    tolerance = HALF_TOLERANCE if half else TOLERANCE
    got, wide = found.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(got) & np.isfinite(wide)
    strange = ~finite & (got != wide) & ~(np.isnan(got) & np.isnan(wide))
    if strange.any():
        return f"has {got[strange][0]:.3g} where the module has {wide[strange][0]:.3g},"
    apart = np.abs(got[finite] - wide[finite])
    largest = float(np.abs(wide[finite]).max(initial=0.0))
    if bool((apart <= tolerance * largest).all()):
        return ""
    return f"differs by up to {float(apart.max()):.3g}, the module's reaching {largest:.3g},"
