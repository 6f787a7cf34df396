"""What the backends of ONNX Runtime on an NVIDIA device share: the copied model, and opening it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING

from engines.contract import CaptureError, Engine, EngineError
from engines.cuda import context as cuda_context
from engines.cuda import driver
from engines.cuda import explain as cuda_explain
from engines.cuda import options as cuda_options
from engines.cuda.precision import lacking
from engines.ort import wheels
from engines.ort.device.cuda_options import allow_tf32
from engines.ort.device.model_file import copy_model
from engines.ort.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from engines.contract import Arrays, Device, PreparedModel, Session, Site
    from engines.cuda.context import Context
    from engines.ort.device.provider import OnProvider
    from engines.ort.device.session import DeviceSession
    from suites.case import Case, OptionValue

    Options = Mapping[str, OptionValue]
    Opener = Callable[[int | None], OnProvider]
    """Opens a session on a stream, given by its handle, or on the runtime's own for None."""

_NEED_PYCUDA = {
    "transfers": "bound",
    "streams": 1,
    "queue_depth": 1,
    "sync": "spin",
    "l2": "hot",
}
"""The only values of the device's options that ONNX Runtime serves by itself."""


def unavailable(provider: str) -> str | None:
    """Return why nothing runs on the device through that provider's library, or None."""
    return (
        wheels.missing("gpu")
        or wheels.lacks(provider)
        or driver.missing()
        or wheels.needs_newer_driver(driver.driver_version())
    )


def load() -> None:
    """Import the runtime with the CUDA libraries that wheels brought. Raises ImportError."""
    import onnxruntime

    if hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()


def unsupported(case: Case, options: Options, device: Device) -> str | None:
    """Return why the device, or the installed packages, cannot run the case, or None."""
    if reason := lacking(case.precision, device):
        return reason
    asked = [name for name, plain in _NEED_PYCUDA.items() if options[name] != plain]
    if asked and (reason := cuda_context.missing()):
        return f"{asked[0]}={options[asked[0]]} needs pycuda: {reason}"
    return cuda_options.conflict(options)


def copy(model: PreparedModel, path: Path) -> Engine:
    """Copy the model with its weights. Raises EngineError."""
    try:
        copy_model(model, path)
    except OSError as error:
        reason = f"{error.filename or path}: {error.strerror or error}"
        raise EngineError("disk", reason, "Mend that, or name another folder.") from error
    return Engine(path=path)


def with_stream(settings: Mapping[str, str], stream: int | None) -> dict[str, str]:
    """Return a provider's settings with dyno's own stream among them, where there is one."""
    return {**settings, **({} if stream is None else {"user_compute_stream": str(stream)})}


@contextmanager
def opened(
    case: Case, options: Options, inputs: Arrays, site: Site, opener: Opener
) -> Iterator[Session]:
    """Open the session that `opener` makes: on streams of dyno's own, or without pycuda on its own.

    Raises EngineError.
    """
    allow_tf32(allowed=case.precision == "tf32")
    if reason := cuda_context.missing():
        yield from _without_streams(case, options, inputs, site, opener, reason)
    else:
        yield from _on_streams(case, options, inputs, site, opener)


def explained(error: Exception, *, default: str) -> EngineError:
    """Return what an exception of ONNX Runtime or of pycuda means."""
    if isinstance(error, EngineError):
        return error
    if type(error).__module__.partition(".")[0] == "pycuda":
        return cuda_explain.explain(error, default=default)
    return explain(error, default=default)


def refused(error: Exception) -> EngineError:
    """Return what an exception of a capture means; what ended the device's work keeps its kind."""
    meaning = explained(error, default="build")
    if isinstance(meaning, CaptureError) or meaning.kind in {"crash", "out-of-memory"}:
        return meaning
    return CaptureError(meaning.message, "Leave cuda_graph out for this model.")


@contextmanager
def explaining() -> Iterator[None]:
    """Raise what fails in a build or an opening as EngineError, once its frames hold no session."""
    try:
        yield
    except EngineError as error:
        clear_frames(error.__traceback__)
        raise
    except Exception as error:
        clear_frames(error.__traceback__)
        raise explained(error, default="build") from error


def _on_streams(
    case: Case, options: Options, inputs: Arrays, site: Site, opener: Opener
) -> Iterator[Session]:
    device = cuda_options.read(options)
    with cuda_context.opened(site.device, blocking_sync=device.blocking_sync) as context:
        with explaining():
            session = _in_context(context, case, options, inputs, site, opener)
        try:
            yield session
        finally:
            session.close()
            gc.collect()  # what is left of the sessions must go before the context does


def _in_context(
    context: Context, case: Case, options: Options, inputs: Arrays, site: Site, opener: Opener
) -> DeviceSession:
    from engines.feeding import Feed
    from engines.ort.device.lane import Lane
    from engines.ort.device.session import DeviceSession, device_facts

    device = cuda_options.read(options)
    free_bytes = context.free_bytes()
    lanes = []
    for stream in context.streams(device.streams):
        made = opener(stream.handle)
        lanes.append(Lane(made.session, context, stream, inputs))
    facts = device_facts(
        case=case,
        device=site.device,
        options=options,
        placement=made.placement,
        effective_precision=made.effective_precision,
        memory_bytes=max(0, free_bytes - context.free_bytes()),
        notes=(*made.notes, *_many(device.streams)),
    )
    return DeviceSession(lanes, context, device, facts, feed=Feed(inputs))


def _without_streams(
    case: Case, options: Options, inputs: Arrays, site: Site, opener: Opener, reason: str
) -> Iterator[Session]:
    from engines.ort.device.session import device_facts
    from engines.ort.device.unstamped_session import UnstampedSession

    with explaining():
        made = opener(None)
        facts = device_facts(
            case=case,
            device=site.device,
            options=options,
            placement=made.placement,
            effective_precision=made.effective_precision,
            memory_bytes=None,
            notes=(*made.notes, f"timed on the host's clock alone: {reason}"),
        )
        graph = bool(options["cuda_graph"])
        session = UnstampedSession(made.session, inputs, facts, cuda_graph=graph)
    del made
    yield session
    del session
    gc.collect()


def _many(streams: int) -> tuple[str, ...]:
    if streams == 1:
        return ()
    return (f"each of the {streams} streams has a session of its own, with the weights again",)
