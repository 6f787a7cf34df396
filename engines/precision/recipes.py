"""Which recipes there are; each is a function of a file of this folder, imported on use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.precision.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeName:
    """Where a recipe is; `calibrated` says whether it looks at the calibration's samples."""

    module: str
    function: str
    calibrated: bool = False

    def load(self) -> Recipe:
        """Import and return the recipe."""
        found: Recipe = getattr(import_module(self.module), self.function)
        return found


RECIPES = {
    "fp16": RecipeName(module="engines.precision.fp16", function="fp16"),
    "bf16": RecipeName(module="engines.precision.bf16", function="bf16"),
    "int8": RecipeName(module="engines.precision.int8", function="int8", calibrated=True),
    "int8-fp16": RecipeName(module="engines.precision.int8", function="int8_fp16", calibrated=True),
    "int8-dynamic": RecipeName(module="engines.precision.int8_dynamic", function="int8_dynamic"),
    "int8-scan": RecipeName(
        module="engines.precision.int8_scan", function="int8_scan", calibrated=True
    ),
    "fp8": RecipeName(module="engines.precision.fp8", function="fp8", calibrated=True),
    "fp8-fp16": RecipeName(module="engines.precision.fp8", function="fp8_fp16", calibrated=True),
    "int4": RecipeName(module="engines.precision.int4", function="int4"),
}
"""By precision; fp32 needs none, and tf32 is the fp32 graph on a device that rounds its products."""
