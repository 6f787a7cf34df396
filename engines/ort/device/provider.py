"""Making a session on a provider that is not the CPU's, and making sure that it is one."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import onnxruntime as ort

from engines.contract import EngineError, Placement
from engines.ort.device.log import listen, memcpy_nodes
from engines.ort.effective import assigned_counts, effective
from engines.ort.errors import TOLD, explain
from engines.ort.options import QUANTIZES_BIASES, session_options
from engines.ort.placement import CPU, RECORDING, assigned, placement, require_on
from engines.ort.wheels import provider_library

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from suites.case import OptionValue

    Provider = tuple[str, Mapping[str, str]]

MEMCPY = "Memcpy"
"""Not a provider: copies between host and device that ONNX Runtime put into the graph."""
_WARNINGS = 2
_ONE_THREAD: Mapping[str, OptionValue] = {
    "threads": 1,
    "spinning": False,
    "execution_mode": "sequential",
}
_EXTRAS = (
    (r"libcuda\.so", "Install the NVIDIA driver."),
    (r"libnvinfer|libnvonnxparser", "Install dyno with the 'tensorrt10' extra."),
    (r"libcu|libnv", "Install dyno with the 'gpu' extra."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnProvider:
    """A session that the wanted provider runs; `notes` are what a report should say of it.

    `effective_precision` is that of `SessionFacts`.
    """

    session: ort.InferenceSession
    placement: tuple[Placement, ...]
    notes: tuple[str, ...]
    effective_precision: str | None = None


def device_session_options(options: Mapping[str, OptionValue]) -> ort.SessionOptions:
    """Return session options that tell where nodes run; what is left to the host has one thread."""
    result = session_options({**_ONE_THREAD, **options}, optimize=True)
    result.add_session_config_entry(RECORDING, "1")
    result.log_severity_level = _WARNINGS
    return result


def session_on(
    path: Path,
    settings: ort.SessionOptions,
    providers: Sequence[Provider],
    *,
    cpu_fallback: bool,
) -> OnProvider:
    """Return a session of the model on the first of the providers.

    Biases stay as they are: no provider there adds them in int32, and TensorRT takes none of that
    type. Raises EngineError where the first one did not load or does not run the nodes, and what
    the runtime raises.
    """
    heard = listen()
    listed = [(name, dict(given)) for name, given in providers]
    session = ort.InferenceSession(
        str(path),
        settings,
        [*listed, CPU],
        enable_fallback=0,
        disabled_optimizers=[QUANTIZES_BIASES],
    )
    return on_provider(session, listed[0][0], heard(), cpu_fallback=cpu_fallback)


def on_provider(
    session: ort.InferenceSession, wanted: str, log: str, *, cpu_fallback: bool
) -> OnProvider:
    """Return the session with where its nodes run. Raises EngineError."""
    if wanted not in session.get_providers():
        raise _not_loaded(wanted, log)
    nodes = assigned(session)
    notes = require_on(wanted, nodes, cpu_fallback=cpu_fallback)
    copies = memcpy_nodes(log)
    if copies:
        notes = (*notes, f"{copies} copies between host and device inside each query")
    between = (Placement(provider=MEMCPY, nodes=copies),) if copies else ()
    return OnProvider(session=session, placement=(*placement(nodes), *between), notes=notes)


def with_rest(made: OnProvider, wanted: str, rest: str) -> OnProvider:
    """Return the same with a note on the nodes that run on the provider `rest`, if any do."""
    nodes = sum(placed.nodes for placed in made.placement if placed.provider == rest)
    note = (f"{nodes} nodes run on {rest}, which {wanted} did not take",) if nodes else ()
    return replace(made, notes=(*made.notes, *note))


def with_effective(made: OnProvider, precision: str) -> OnProvider:
    """Return the same with what its nodes make of the case's precision."""
    found = effective(precision, assigned_counts(precision, assigned(made.session)))
    notes = (*made.notes, *found.notes)
    return replace(made, effective_precision=found.precision, notes=notes)


def _not_loaded(provider: str, log: str) -> EngineError:
    """Return why ONNX Runtime left the provider out, which it only tells in its log."""
    library = _library_that_lacks(provider)
    if library is None and (told := TOLD.search(log)):
        meaning = explain(RuntimeError(told[0]), default="environment")
        return EngineError(meaning.kind, f"{provider} did not load: {told[0]}", meaning.hint)
    if library is None:
        text = "its log tells why"
        return EngineError("environment", f"{provider} did not load; {text}", "")
    hint = next((hint for pattern, hint in _EXTRAS if re.match(pattern, library)), "")
    return EngineError("environment", f"{provider} did not load: {library} not found", hint)


def _library_that_lacks(provider: str) -> str | None:
    path = provider_library(provider.removesuffix("ExecutionProvider").lower())
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        found = re.match(r"(\S+): cannot open shared object file", str(error))
        return found[1] if found and found[1] != str(path) else None
    return None
