"""What a recipe is: a function from an fp32 graph to one of its precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto

    Sample = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What activations' ranges are found from: inputs to run, and how to make a range of them.

    `method` is one of `suites.suite.METHODS`. Samples may differ in shape.
    """

    samples: Sequence[Sample]
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A graph at its precision.

    `kept` tells what stays as it was though a reader would expect it changed, and why; a sentence
    a kind of thing.
    """

    model: ModelProto
    kept: tuple[str, ...] = ()


Recipe = Callable[["ModelProto", Calibration], Converted]
"""May change the model it is given. Raises EngineError that names the recipe and the node."""
