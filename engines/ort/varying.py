"""Outputs whose shapes differ from query to query though the inputs are the same.

A graph may draw random numbers and answer, say, the positions of those above zero. A binding keeps
the arrays that its first run allocated, and the runtime refuses results of another shape in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime as ort

_REFUSED = re.compile(r"but the computed output shape|OrtValue shape verification failed")
NOTE = "output shapes vary; outputs are allocated anew for each query"


class VaryingOutputs:
    """Runs a query; from the first output of another shape on, allocates outputs for each."""

    def __init__(self, session: ort.InferenceSession, binding: ort.IOBinding) -> None:
        self._session = session
        self._binding = binding
        self._vary = False

    def __call__(self) -> None:
        """Run one query."""
        if self._vary:
            bind_outputs(self._session, self._binding)
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            if self._vary or _REFUSED.search(str(error)) is None:
                raise
            self._vary = True
            self()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a report should say of the queries."""
        return (NOTE,) if self._vary else ()


def are_open(session: ort.InferenceSession) -> bool:
    """Return whether an output has a dimension that no input's size settles."""
    known = {dim for spec in session.get_inputs() for dim in spec.shape}
    dims = (dim for spec in session.get_outputs() for dim in spec.shape)
    return any(not isinstance(dim, int) and dim not in known for dim in dims)


def bind_outputs(session: ort.InferenceSession, binding: ort.IOBinding) -> None:
    """Bind every output to memory that the next run allocates on the host."""
    binding.clear_binding_outputs()
    for out in session.get_outputs():
        binding.bind_output(out.name, "cpu")
