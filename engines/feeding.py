"""Which arrays an open session takes in place of those that it was opened with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engines.contract import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from engines.contract import Arrays

_HINT = "Feed what the session was opened with, or open another session for it."


def refuse_others(before: Mapping[str, NDArray[Any]], fed: Arrays) -> None:
    """Raise EngineError where an array differs from that of the same name in `before`.

    Those are values that a session has read on the host and keeps: of shapes, or in a CUDA graph.
    """
    for name, array in before.items():
        if not np.array_equal(fed[name], array):
            raise EngineError(
                "shape-out-of-profile",
                f"feed: input {name!r}: expected the values that the session was opened with and "
                f"read on the host, {array.tolist()}, got {fed[name].tolist()}",
                "Open another session for them.",
            )


class Feed:
    """The names, shapes and types of the inputs that a session was opened with."""

    def __init__(self, inputs: Arrays) -> None:
        self._specs = {name: (array.shape, array.dtype) for name, array in inputs.items()}

    def copied(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Return contiguous copies of the arrays, which the caller may change afterwards.

        Raises EngineError for an unknown name, a missing one, and another shape or type.
        """
        if set(inputs) != set(self._specs):
            raise EngineError(
                "invalid-model",
                f"feed: expected inputs {sorted(self._specs)}, got {sorted(inputs)}",
                _HINT,
            )
        for name, array in inputs.items():
            shape, dtype = self._specs[name]
            if (array.shape, array.dtype) != (shape, dtype):
                raise EngineError(
                    "invalid-model",
                    f"feed: input {name!r}: expected {dtype} of shape {list(shape)}, "
                    f"got {array.dtype} of shape {list(array.shape)}",
                    _HINT,
                )
        return {name: np.array(inputs[name], order="C") for name in self._specs}
