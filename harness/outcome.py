"""What a child's failure or a session's outputs mean for the outcome of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.child import ChildError
from results.record import Failed
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def failed(error: ChildError) -> Failed:
    """Return the outcome of a case whose child failed."""
    return Failed(kind=error.kind, message=error.message, hint=error.hint)


def failed_on_disk(error: OSError) -> Failed:
    """Return the outcome of a case of which a file of the store could not be written."""
    hint = "Mend that, or name another folder with --store."
    return Failed(kind="disk", message=f"{error.filename}: {reason(error)}", hint=hint)


def check_outputs(outputs: Mapping[str, NDArray[np.generic]]) -> None:
    """Raise ChildError(bad-output) for an output that is nonsense: it is not worth timing.

    That is one with a NaN in it, or one of infinities only. Among numbers an infinity is legal: a
    mask's logarithm, or an index without a neighbour.
    """
    for name, array in outputs.items():
        found = _nonsense(array)
        if found:
            raise ChildError(
                "bad-output",
                f"output {name!r}: expected numbers, got {found}",
                "Give the model inputs it was made for, under `models.<name>.inputs`.",
            )


def _nonsense(array: NDArray[np.generic]) -> str | None:
    """Return what is wrong with the values, or None."""
    try:
        bad, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    except TypeError:
        return None  # integers of four bits, text and the like have neither
    if bad:
        return f"NaN in {bad} of {array.size} values"
    return f"infinity in all of {array.size} values" if 0 < infinite == array.size else None
