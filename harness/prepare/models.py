"""Every model of a run once, at the precision that it comes in, as a file named by its hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.child import Child, ChildError, child_pool
from harness.outcome import failed
from suites.shapes import model_signature
from suites.suite import BuiltinSource, FixedInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.folders import Folders
    from harness.inspect import Inspected
    from results.effect import Effect
    from results.record import Failed
    from suites.signature import Dim
    from suites.suite import Model, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A model's ONNX file as every backend gets it, with what the suite says of its inputs.

    `dims` and `values` are those of `engines.contract.PreparedModel`. `effect` is what a recipe
    changed and `calibration` what it was calibrated on, None and "" for the model as it came.
    """

    path: Path
    sha256: str
    external_data: bool
    precision: str
    dims: Mapping[str, tuple[Dim, ...]] = field(default_factory=dict)
    values: Mapping[str, int] = field(default_factory=dict)
    effect: Effect | None = None
    calibration: str = ""


def prepare_models(
    suite: Suite, models: Mapping[str, Inspected], wanted: Sequence[str], folders: Folders
) -> dict[str, Prepared | Failed]:
    """Return each wanted model prepared, or why it could not be; all cores work on it."""
    chosen = [model for model in suite.models if model.name in set(wanted)]

    def prepare(model: Model) -> Prepared | Failed:
        return _prepare(model, models[model.name], suite.measure.timeout_s, folders)

    with child_pool() as pool:
        done = pool.map(prepare, chosen)
        return {model.name: result for model, result in zip(chosen, done, strict=True)}


def _prepare(
    model: Model, inspected: Inspected, timeout_s: float, folders: Folders
) -> Prepared | Failed:
    log = folders.log(f"prepare-{model.name}")
    source = _source(model, inspected.path)
    try:
        with Child("harness.prepare.worker", log=log) as child:
            reply = child.ask("prepare", timeout_s=timeout_s, folder=str(folders.models), **source)
            child.ask("close", timeout_s=timeout_s)
    except ChildError as error:
        return failed(error)
    applied = model_signature(model, inspected.signature, model.name)
    return Prepared(
        path=Path(reply.header["path"]),
        sha256=reply.header["sha256"],
        external_data=reply.header["external_data"],
        precision=inspected.precision,
        dims={spec.name: spec.dims for spec in applied.inputs},
        values=_whole_numbers(model),
    )


def _whole_numbers(model: Model) -> dict[str, int]:
    """Return the inputs that the suite gives one whole number."""
    return {
        name: source.value
        for name, source in model.inputs
        if isinstance(source, FixedInput)
        and isinstance(source.value, int)
        and not isinstance(source.value, bool)
    }


def _source(model: Model, path: Path | None) -> dict[str, Any]:
    """Return what tells the child where the model comes from."""
    if isinstance(model.source, BuiltinSource):
        from suites.models.builtin import get, resolve

        params = resolve(get(model.source.name), dict(model.source.params))
        return {"builtin": model.source.name, "params": params}
    return {"file": str(path)}
