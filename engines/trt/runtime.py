"""Opening: a plan into an engine, and an engine into an execution context for each stream."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engines.contract import EngineError, StaleEngineError

if TYPE_CHECKING:
    from pathlib import Path

    from engines.trt.messages import Messages

_STALE = "It is from another GPU, driver or version, or damaged: have it built again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An engine and the runtime that has to outlive it."""

    runtime: Any
    engine: Any


def load_engine(trt: Any, path: Path, messages: Messages) -> Loaded:
    """Return the plan's engine. Raises EngineError for a plan that the runtime does not take."""
    runtime = trt.Runtime(messages.logger)
    with path.open("rb") as stream:
        if path.stat().st_size == 0:
            raise StaleEngineError(f"{path.name} is empty, not a plan", _STALE)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            engine = runtime.deserialize_cuda_engine(data)
    if engine is None:
        failure = messages.failure("no reason given", default="build")
        told = f"{trt.__name__} {trt.__version__} does not take the plan: {failure.message}"
        if failure.kind == "build":
            raise StaleEngineError(told, failure.hint or _STALE)
        raise EngineError(failure.kind, told, failure.hint)
    return Loaded(runtime=runtime, engine=engine)


def make_context(engine: Any, config: Any | None, messages: Messages) -> Any:
    """Return an execution context with scratch memory of its own. Raises EngineError."""
    context = (
        engine.create_execution_context()
        if config is None
        else engine.create_execution_context(config)
    )
    if context is None:
        raise messages.failure("no execution context and no reason", default="build")
    return context
