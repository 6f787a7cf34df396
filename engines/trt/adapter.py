"""What both TensorRT backends do: all of the contract but their names and options."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING

from engines.contract import Engine, EngineError, resolve_options
from engines.cuda import context as cuda_context
from engines.cuda import driver
from engines.cuda import options as device_options
from engines.cuda.explain import explain
from engines.trt.options import plan_key, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engines.contract import Arrays, Device, Fact, Option, PreparedModel, Session, Site
    from engines.cuda.context import Context
    from engines.trt.flavour import Flavour
    from engines.trt.session import Opened
    from suites.case import Case, OptionValue


class TensorRtBackend(ABC):
    """A backend over a flavour of TensorRT, which the subclass names."""

    name: str
    flavour: Flavour
    options: tuple[Option, ...]
    builds_on_device: bool
    distribution: str
    simulated = False
    device = "cuda"

    def unavailable(self) -> str | None:
        """Return that the module, a device or pycuda is missing, or None."""
        return self.flavour.missing() or driver.missing() or cuda_context.missing()

    @abstractmethod
    def cannot_build(self, device: Device) -> str | None:
        """Return why it cannot build for the device here, or None."""

    def load(self) -> None:
        """Import the module and what drives it."""
        import engines.trt.session  # noqa: F401

        self.flavour.load()

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return what of the case the flavour does not do on the device, or None."""
        return refusal(self.flavour, case, self._options(case), device)

    def engine_key(self, case: Case, device: Device) -> Mapping[str, Fact]:
        """Return the module's version, the device, the shapes, and the options of a build."""
        return plan_key(self.flavour, case, self._options(case), device)

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Write the case's plan to `path`."""
        from engines.trt.messages import uncollected
        from engines.trt.plan import build_plan

        try:
            with uncollected():
                facts = build_plan(self.flavour, model, case, self._options(case), path, site)
        except (EngineError, OSError, MemoryError, ImportError) as error:
            clear_frames(error.__traceback__)  # a builder freed while another logs waits for it
            raise
        except Exception as error:
            clear_frames(error.__traceback__)
            raise explain(error, default="build") from error
        return Engine(path=path, facts=facts)

    @contextmanager
    def open(self, engine: Engine, case: Case, inputs: Arrays, site: Site) -> Iterator[Session]:
        """Load the plan, and bind the inputs on the device."""
        from engines.trt.session import TensorRtSession

        options = self._options(case)
        blocking_sync = device_options.read(options).blocking_sync
        with cuda_context.opened(site.device, blocking_sync=blocking_sync) as context:
            try:
                session = TensorRtSession(
                    self._opened(engine, case, options, context, site), inputs
                )
            except (EngineError, OSError, MemoryError) as error:
                clear_frames(error.__traceback__)  # the engine must go before the context
                raise
            except Exception as error:
                clear_frames(error.__traceback__)
                raise explain(error, default="build") from error
            try:
                yield session
            finally:
                session.close()
                del session
                gc.collect()

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of a query means."""
        return explain(error, default="bad-output")

    def _options(self, case: Case) -> dict[str, OptionValue]:
        return resolve_options(self, case)

    def _opened(
        self,
        engine: Engine,
        case: Case,
        options: Mapping[str, OptionValue],
        context: Context,
        site: Site,
    ) -> Opened:
        from engines.trt.messages import Messages, uncollected
        from engines.trt.runtime import load_engine
        from engines.trt.runtime_cache import RuntimeCache
        from engines.trt.session import Opened

        trt = self.flavour.load()
        messages = Messages(trt)
        free_bytes = context.free_bytes()
        with uncollected():
            loaded = load_engine(trt, engine.path, messages)
        plan = str(engine.facts.get("sha256", ""))
        cache = RuntimeCache(trt, loaded.engine, plan, site) if self.flavour.ahead else None
        messages.forget()
        return Opened(
            flavour=self.flavour,
            trt=trt,
            loaded=loaded,
            cache=cache,
            messages=messages,
            context=context,
            free_bytes=free_bytes,
            device=site.device,
            options=options,
            device_options=device_options.read(options),
            effective_precision="tf32" if case.precision == "tf32" else None,
        )
