"""Which recipes there are; each is a function of a file of this folder, imported on use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.precision.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeName:
    """Where a recipe is; `calibrated` says whether it looks at the calibration's samples."""

    file: str
    function: str
    calibrated: bool = False

    def load(self) -> Recipe:
        """Import and return the recipe."""
        found: Recipe = getattr(import_module(f"engines.precision.{self.file}"), self.function)
        return found


RECIPES = {
    "fp16": RecipeName(file="fp16", function="fp16"),
    "bf16": RecipeName(file="bf16", function="bf16"),
    "int8": RecipeName(file="int8", function="int8", calibrated=True),
    "int8-fp16": RecipeName(file="int8", function="int8_fp16", calibrated=True),
    "int8-dynamic": RecipeName(file="int8_dynamic", function="int8_dynamic"),
    "int8-scan": RecipeName(file="int8_scan", function="int8_scan", calibrated=True),
    "fp8": RecipeName(file="fp8", function="fp8", calibrated=True),
    "fp8-fp16": RecipeName(file="fp8", function="fp8_fp16", calibrated=True),
    "int4": RecipeName(file="int4", function="int4"),
}
"""By precision. fp32 needs none; tf32 is the fp32 graph on a device that rounds its products."""


def recipe_code() -> str:
    """Return a hash of all code that makes graphs: a graph is made anew where it differs."""
    digest = hashlib.sha256()
    engines = Path(__file__).parent.parent
    for folder in ("precision", "graph"):
        for path in sorted((engines / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(engines)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
