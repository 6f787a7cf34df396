"""ONNX Runtime on the CPU. Its engine is the graph as the runtime's optimizer leaves it."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import Backend, Engine, EngineError, Option, Placement, resolve_options
from engines.ort.errors import explain
from engines.ort.options import (
    HOST_OPTIONS,
    QUANTIZES_BIASES,
    keep_int8_signed,
    keep_weights_outside,
    keeps_biases,
    refused_level,
    session_options,
)
from engines.ort.wheels import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engines.contract import Arrays, Device, Fact, PreparedModel, Session, Site
    from suites.case import Case

PROVIDERS = ["CPUExecutionProvider"]
_ADD_INT32 = {"computes:int8:QLinearConv", "computes:int8:QGemm"}
"""The facts of the kernels that add biases in int32."""


class OnnxRuntimeCpu:
    """ONNX Runtime's CPU execution provider."""

    name = "onnxruntime-cpu"
    simulated = False
    builds_on_device = False
    device = "cpu"
    distribution = "onnxruntime"
    options: tuple[Option, ...] = HOST_OPTIONS

    def unavailable(self) -> str | None:
        """Return that onnxruntime is not installed, or twice, or None."""
        return missing("cpu")

    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot run here: it builds with what it runs on."""
        del device
        return self.unavailable()

    def load(self) -> None:
        """Import onnxruntime and what drives it."""
        import engines.ort.session  # noqa: F401

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return that the CPU lacks kernels of that precision or that many cores, or None."""
        del device
        if case.precision in ("bf16", "tf32"):
            return f"ONNX Runtime has no {case.precision} kernels on the CPU; use fp32 or fp16"
        options = resolve_options(self, case)
        threads, cores = int(options["threads"]), len(os.sched_getaffinity(0))
        if threads > cores:
            return f"threads={threads} is more than the {cores} cores that dyno may use here"
        return refused_level(case.precision, options)

    def engine_key(self, case: Case, device: Device) -> dict[str, Fact]:
        """Return the runtime, the CPU and how the graph is optimized.

        Named dimensions stay named in the optimized graph, so every batch shares it.
        """
        from engines.ort.machine import cpu_identity, runtime_versions

        del device
        return {
            "runtime": runtime_versions(),
            **cpu_identity(),
            "graph_optimization": resolve_options(self, case)["graph_optimization"],
            "keeps_biases": keeps_biases(case.precision),
            "keeps_int8": case.precision == "int8-scan",
        }

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Write the optimized graph to `path`.

        Its biases stay as they are where int32 serves no kernel or does not hold them.
        """
        del site
        from engines.ort.effective import facts_of
        from engines.ort.graph_file import has_full_int32

        keeps = keeps_biases(case.precision) or model.external_data
        placed = self._optimize(model, case, path, keeps_biases=keeps)
        found = facts_of(path)
        if not keeps and (has_full_int32(path) or not _ADD_INT32 & found.keys()):
            placed = self._optimize(model, case, path, keeps_biases=True)
            found = facts_of(path)
        return Engine(path=path, facts={**_facts(placed), **found})

    def _optimize(
        self, model: PreparedModel, case: Case, path: Path, *, keeps_biases: bool
    ) -> tuple[Placement, ...]:
        import onnxruntime as ort

        from engines.ort.placement import RECORDING, assigned, placement

        options = session_options(resolve_options(self, case), optimize=True)
        options.optimized_model_filepath = str(path)
        options.add_session_config_entry(RECORDING, "1")
        if case.precision == "int8-scan":
            keep_int8_signed(options)
        if model.external_data:
            keep_weights_outside(options, path)
        try:
            session = ort.InferenceSession(
                str(model.path),
                options,
                providers=PROVIDERS,
                disabled_optimizers=[QUANTIZES_BIASES] if keeps_biases else [],
            )
            return placement(assigned(session))
        except Exception as error:
            raise explain(error, default="build") from error

    @contextmanager
    def open(self, engine: Engine, case: Case, inputs: Arrays, site: Site) -> Iterator[Session]:
        """Load the optimized graph as it is and bind the inputs in host memory."""
        del site
        import onnxruntime as ort

        from engines.ort.effective import effective_of
        from engines.ort.session import HostSession

        options = resolve_options(self, case)
        settings = session_options(options, optimize=False)
        try:
            session = ort.InferenceSession(str(engine.path), settings, providers=PROVIDERS)
            found = effective_of(case.precision, engine.facts)
            opened = HostSession(
                session,
                inputs,
                options,
                _placement(engine.facts),
                effective_precision=found.precision,
                notes=found.notes,
            )
        except EngineError:
            raise
        except Exception as error:
            raise explain(error, default="build") from error
        yield opened
        del opened, session
        gc.collect()

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of a query means."""
        return explain(error, default="bad-output")


def _facts(placed: tuple[Placement, ...]) -> Mapping[str, Fact]:
    return {f"nodes:{entry.provider}": entry.nodes for entry in placed}


def _placement(facts: Mapping[str, Fact]) -> tuple[Placement, ...]:
    return tuple(
        Placement(provider=name.removeprefix("nodes:"), nodes=int(count))
        for name, count in facts.items()
        if name.startswith("nodes:")
    )


BACKEND: type[Backend] = OnnxRuntimeCpu
