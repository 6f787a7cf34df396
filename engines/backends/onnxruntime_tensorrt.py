"""ONNX Runtime's TensorRT provider. Its engine is the prepared model, with plans beside it.

Nodes that TensorRT does not take run on the CUDA provider: on the device still, and in the graph's
types, so that is told (placement, a note) and no failure. A graph of which TensorRT takes no node
at all is a fallback, and so is computing on the CPU.
"""

from __future__ import annotations

import gc
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import Backend, Engine, EngineError, Option, resolve_options
from engines.ort.device import on_device
from engines.ort.device.cuda_options import CUDA, allow_tf32, cuda_settings
from engines.ort.device.cuda_options import PROVIDER_OPTIONS as CUDA_DEFAULTS
from engines.ort.device.model_file import input_shapes
from engines.ort.device.tensorrt_options import OPTIONS, TENSORRT, tensorrt_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engines.contract import Arrays, Device, Fact, PreparedModel, Session, Site
    from engines.ort.device.provider import OnProvider
    from suites.case import Case

    Shapes = Mapping[str, Sequence[int]]

_PLANNED = "plans"
"""The fact that the build made the plans; else opening makes them, in the scratch folder."""


class OnnxRuntimeTensorrt:
    """ONNX Runtime's TensorRT execution provider."""

    name = "onnxruntime-tensorrt"
    simulated = False
    builds_on_device = True
    device = "cuda"
    distribution = "onnxruntime-gpu"
    options: tuple[Option, ...] = OPTIONS

    def unavailable(self) -> str | None:
        """Return what is missing of the runtime, TensorRT and the driver, or None."""
        from engines.ort import wheels
        from engines.ort.device import tensorrt_library

        return (
            wheels.missing("gpu")
            or wheels.lacks("tensorrt")
            or tensorrt_library.missing()
            or on_device.unavailable("cuda")
        )

    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot run here: TensorRT builds on the device that it builds for."""
        del device
        return self.unavailable()

    def load(self) -> None:
        """Import onnxruntime, what drives it, and the TensorRT that it links."""
        import ctypes

        from engines.ort.device.tensorrt_library import LIBRARIES, library, linked_major

        for name in LIBRARIES:
            path = library(f"{name}.so.{linked_major()}")
            if path is not None:
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        on_device.load()

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return what the device or the installed packages lack for the case, or None."""
        return on_device.unsupported(case, resolve_options(self, case), device)

    def engine_key(self, case: Case, device: Device) -> dict[str, Fact]:
        """Return all that TensorRT's plans depend on: versions, device, shapes, and its options."""
        from engines.ort.device.tensorrt_library import LIBRARIES, library, linked_major
        from engines.ort.machine import runtime_versions

        found = library(f"{LIBRARIES[0]}.so.{linked_major()}")
        options = resolve_options(self, case)
        return {
            "runtime": runtime_versions(),
            "tensorrt": found.resolve().name if found else "",
            "sm": device.sm,
            "name": device.name,
            "driver": device.driver,
            "tf32": case.precision == "tf32",
            **{f"size:{name}": size for name, size in case.sizes.items()},
            **{
                name: options[name]
                for name in (
                    "graph_optimization",
                    "trt_builder_optimization_level",
                    "trt_max_workspace_size",
                    "trt_auxiliary_streams",
                )
            },
        }

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Copy the model to `path`, and have TensorRT build its plans where shapes are known."""
        engine = on_device.copy(model, path)
        shapes = input_shapes(path, case.sizes)
        if shapes is None:
            return engine
        allow_tf32(allowed=case.precision == "tf32")
        with on_device.explaining():
            self._session(engine, case, shapes, site, path, stream=None)
        gc.collect()
        return Engine(path=path, facts={_PLANNED: True})

    @contextmanager
    def open(self, engine: Engine, case: Case, inputs: Arrays, site: Site) -> Iterator[Session]:
        """Load the plans, or build them for the inputs' shapes, and bind the inputs there."""
        shapes = {name: array.shape for name, array in inputs.items()}
        plans = engine.path if engine.facts.get(_PLANNED) else _in_scratch(engine.path, site)

        def opener(stream: int | None) -> OnProvider:
            return self._session(engine, case, shapes, site, plans, stream=stream)

        options = resolve_options(self, case)
        with on_device.opened(case, options, inputs, site, opener) as session:
            yield session

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of a query means."""
        return on_device.explained(error, default="bad-output")

    def _session(
        self,
        engine: Engine,
        case: Case,
        shapes: Shapes,
        site: Site,
        plans: Path,
        *,
        stream: int | None,
    ) -> OnProvider:
        from engines.ort.device.provider import device_session_options, session_on, with_rest

        options = resolve_options(self, case)
        trt = tensorrt_settings(options, shapes, plans, site)
        defaults = {option.name: option.default for option in CUDA_DEFAULTS}
        cuda = cuda_settings({**options, **defaults}, tf32=case.precision == "tf32")
        providers = [
            (name, on_device.with_stream(settings, stream))
            for name, settings in ((TENSORRT, trt), (CUDA, {**cuda, "enable_cuda_graph": "0"}))
        ]
        allowed = options["cpu_fallback"] == "allow"
        settings = device_session_options(options)
        made = session_on(engine.path, settings, providers, cpu_fallback=allowed)
        return with_rest(made, TENSORRT, CUDA)


def _in_scratch(engine: Path, site: Site) -> Path:
    """Return where opening keeps an engine's plans, by the engine's own path.

    The provider names them by the names in the graph, which models of other weights, precisions
    or options share; it would take one for another.
    """
    return site.scratch / hashlib.sha256(str(engine.resolve()).encode()).hexdigest()[:16]


BACKEND: type[Backend] = OnnxRuntimeTensorrt
