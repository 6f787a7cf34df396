"""Any plugin provider of ONNX Runtime for NVIDIA devices, by its name and library.

What a plugin can bind on the device, and on which stream it runs, it keeps to itself: so inputs and
outputs are in host memory, and a query ends when its outputs are there.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import Backend, Engine, EngineError, Option, resolve_options
from engines.cuda import driver
from engines.cuda.precision import lacking
from engines.ort import wheels
from engines.ort.device import on_device
from engines.ort.device.plugin_options import OPTIONS, conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engines.contract import Arrays, Device, Fact, PreparedModel, Session, Site
    from suites.case import Case

_NOTE = "inputs and outputs are in host memory: each query copies them"


class OnnxRuntimePlugin:
    """A plugin execution provider of ONNX Runtime."""

    name = "onnxruntime-plugin"
    simulated = False
    builds_on_device = False
    device = "cuda"
    distribution = "onnxruntime"
    options: tuple[Option, ...] = OPTIONS

    def unavailable(self) -> str | None:
        """Return what is missing of the runtime and the driver, or None."""
        return wheels.missing("gpu") or driver.missing()

    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot run here: what it builds is only copied."""
        del device
        return self.unavailable()

    def load(self) -> None:
        """Import onnxruntime and what drives it."""
        on_device.load()
        import engines.ort.device.plugin
        import engines.ort.session  # noqa: F401

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return that no plugin is chosen, or what it or the device cannot do, or None."""
        if case.precision == "tf32":
            return "a plugin has no common setting for TF32; use fp32, and its provider_options"
        return lacking(case.precision, device) or conflict(resolve_options(self, case))

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
        """Load the plugin, have it compile the model, and bind the inputs in host memory."""
        from engines.ort.device.cuda_options import allow_tf32
        from engines.ort.device.plugin import plugin_session
        from engines.ort.session import HostSession

        options = resolve_options(self, case)
        allow_tf32(allowed=False)
        with on_device.explaining():
            made = plugin_session(engine.path, options, kind="GPU")
            opened = HostSession(
                made.session,
                inputs,
                options,
                made.placement,
                device=site.device.name or site.device.kind,
                notes=(*made.notes, _NOTE),
            )
        yield opened
        del opened, made
        gc.collect()

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of a query means."""
        return on_device.explained(error, default="bad-output")


BACKEND: type[Backend] = OnnxRuntimePlugin
