"""What a child's failure or a session's outputs mean for the outcome of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.child import ChildError
from results.record import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def failed(error: ChildError) -> Failed:
    """Return the outcome of a case whose child failed."""
    return Failed(kind=error.kind, message=error.message, hint=error.hint)


def check_outputs(outputs: Mapping[str, NDArray[np.generic]]) -> None:
    """Raise ChildError(bad-output) where an output holds NaN: nonsense is not worth timing."""
    for name, array in outputs.items():
        try:
            bad = int(np.isnan(array).sum())
        except TypeError:
            continue  # integers, text and the like have no NaN
        if bad:
            raise ChildError(
                "bad-output",
                f"output {name!r}: expected numbers, got NaN in {bad} of {array.size} values",
                "Give the model inputs it was made for, under `models.<name>.inputs`.",
            )
