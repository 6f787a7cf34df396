"""From an fp32 model's file to one of another precision, checked, with what that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.contract import EngineError
from engines.graph.check import check
from engines.graph.precision import own_precision
from engines.graph.weights import MOST_INSIDE_BYTES, weights_bytes
from engines.precision.effect import effect
from engines.precision.recipes import RECIPES
from suites.case import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from onnx import ModelProto

    from engines.precision.effect import Effect
    from engines.precision.recipe import Calibration

_OUTSIDE_BYTES = 1024


def convert(
    source: Path,
    target: Path,
    precision: str,
    calibration: Calibration,
    shapes: Mapping[str, tuple[int, ...]],
) -> Effect:
    """Write the model of `source` at the precision to `target`, large weights beside it.

    `shapes` are those of the inputs at which operations are counted. Raises EngineError, of kind
    `precision-mismatch` where the recipe finds nothing to change.
    """
    import onnx

    before = onnx.load(source)
    _require_fp32(before, precision)
    model = onnx.ModelProto()
    model.CopyFrom(before)
    converted = RECIPES[precision].load()(model, calibration)
    found = effect(before, converted.model, shapes, converted.kept)
    if not found.changed:
        raise EngineError(
            "precision-mismatch",
            f"{precision}: expected something in the graph that the recipe can change, "
            f"got {_spell_operators(before)}",
            "Exclude this precision for the model, or ask for fp32.",
        )
    _save(converted.model, target)
    try:
        check(target)
    except EngineError as error:
        message = f"{precision}: expected a valid graph of the recipe, got: {error.message}"
        hint = "Exclude this precision for the model, and tell dyno's makers."
        raise EngineError(error.kind, message, hint) from error
    return found


def _require_fp32(model: ModelProto, precision: str) -> None:
    """Raise EngineError for a graph whose weights have another type already."""
    own = own_precision(model)
    if own == "fp32":
        return
    quantized = [node for node in model.graph.node if node.op_type.endswith("uantizeLinear")]
    at = f"node {quantized[0].name!r} ({quantized[0].op_type}): " if quantized else ""
    raise EngineError(
        "invalid-model",
        f"{precision}: {at}expected an fp32 graph, got one that is {own} already",
        f"Ask for {own}, or export the model in fp32."
        if own in PRECISIONS
        else "Export the model in fp32.",
    )


def _spell_operators(model: ModelProto) -> str:
    names = sorted({node.op_type for node in model.graph.node})
    return ", ".join(names) or "no node"


def _save(model: ModelProto, target: Path) -> None:
    """Write the model; the same graph gives the same bytes."""
    import onnx

    if weights_bytes(model) > MOST_INSIDE_BYTES:
        onnx.save(
            model,
            target,
            save_as_external_data=True,
            location=f"{target.name}.data",
            size_threshold=_OUTSIDE_BYTES,
        )
        return
    target.write_bytes(model.SerializeToString(deterministic=True))
