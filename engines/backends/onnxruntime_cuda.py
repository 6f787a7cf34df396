"""ONNX Runtime on an NVIDIA device. Its engine is the prepared model as it is.

ONNX Runtime has no serialized form of a session for this provider: a graph that it optimized for a
device and wrote out names kernels of that build, and is not promised to load elsewhere. So the
build copies, and opening optimizes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import Backend, Engine, EngineError, Option, resolve_options
from engines.ort.device import on_device
from engines.ort.device.cuda_options import CUDA, OPTIONS, cuda_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engines.contract import Arrays, Device, Fact, PreparedModel, Session, Site
    from engines.ort.device.provider import OnProvider
    from suites.case import Case


class OnnxRuntimeCuda:
    """ONNX Runtime's CUDA execution provider."""

    name = "onnxruntime-cuda"
    simulated = False
    builds_on_device = False
    device = "cuda"
    distribution = "onnxruntime-gpu"
    options: tuple[Option, ...] = OPTIONS

    def unavailable(self) -> str | None:
        """Return what is missing of the runtime, its provider and the driver, or None."""
        return on_device.unavailable("cuda")

    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot run here: what it builds is only copied."""
        del device
        return self.unavailable()

    def load(self) -> None:
        """Import onnxruntime and what drives it."""
        on_device.load()

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return what the device or the installed packages lack for the case, or None."""
        return on_device.unsupported(case, resolve_options(self, case), device)

    def engine_key(self, case: Case, device: Device) -> dict[str, Fact]:
        """Return that it is the model itself: nothing else changes its bytes."""
        del case, device
        return {"engine": "the prepared model"}

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Copy the model with its weights to `path`."""
        del case, site
        return on_device.copy(model, path)

    @contextmanager
    def open(self, engine: Engine, case: Case, inputs: Arrays, site: Site) -> Iterator[Session]:
        """Optimize the model for the device, and bind the inputs there."""
        from engines.ort.device.provider import device_session_options, session_on, with_effective

        options = resolve_options(self, case)
        settings = cuda_settings(options, tf32=case.precision == "tf32")
        allowed = options["cpu_fallback"] == "allow"

        def opener(stream: int | None) -> OnProvider:
            provider = (CUDA, on_device.with_stream(settings, stream))
            host = device_session_options(options)
            made = session_on(engine.path, host, [provider], cpu_fallback=allowed)
            return with_effective(made, case.precision)

        with on_device.opened(case, options, inputs, site, opener) as session:
            yield session

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of a query means."""
        return on_device.explained(error, default="bad-output")


BACKEND: type[Backend] = OnnxRuntimeCuda
