"""Building ahead: the engines of a suite into the cache, for devices that need not be here."""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines import registry
from engines.cache.cache import EngineCache
from harness.alive import alive
from harness.closure import copy_closure
from harness.device_lock import devices, hold
from harness.devices import Aim
from harness.folders import Folders, cache_folder
from harness.plan import make_plan
from harness.prepare.datasets import load_datasets
from harness.prepare.models import Prepared
from harness.prepare.variants import variant
from harness.staging import Staging
from results.record import Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engines.contract import Device
    from harness.build import Built
    from harness.plan import Plan, PlannedCase
    from suites.case import Case
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What became of a case's engine; `target` is the `sm` or kind that was asked for."""

    case: Case
    target: str
    result: Built | Failed | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where engines are built ahead; `told` gets a line while another dyno is waited for."""

    store: Path
    cache: EngineCache
    wait: bool
    told: Callable[[str], None]

    @classmethod
    def make(
        cls,
        store: Path,
        cache: Path | None,
        *,
        cache_bytes: int,
        wait: bool,
        told: Callable[[str], None],
    ) -> Workshop:
        """Return the workshop of a store, its cache made. Raises CacheError."""
        kept = EngineCache.make(cache_folder(store, cache), cap_bytes=cache_bytes)
        return cls(store=store, cache=kept, wait=wait, told=told)

    def build(
        self,
        suite: Suite,
        vocabulary: Vocabulary,
        *,
        targets: Sequence[Device],
        only: Sequence[tuple[str, str]] = (),
        device: str = "",
    ) -> Iterator[Ahead]:
        """Yield each case for each target as its engine is there, or is not to be.

        Without targets, engines are built for the devices at hand, of which `device` chooses the
        CUDA one. Raises SuiteError, DeviceChoiceError, DeviceBusyError and OSError.
        """
        for target in targets or (None,):
            aim = Aim(target=target)
            plan = make_plan(
                suite, vocabulary, only=only, store=self.store, keep=True, device=device, aim=aim
            )
            names = devices(plan, building=True)
            what = f"builds of suite {suite.name!r} into {self.cache.folder.root}"
            with hold(names, what=what, wait=self.wait, waiting=self.told):
                for ahead in self._build(plan):
                    yield replace(ahead, target=target.sm) if target else ahead

    def _build(self, plan: Plan) -> Iterator[Ahead]:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        run_id = f"build-{stamp}-{secrets.token_hex(2)}"
        store = self.store.resolve()
        with alive(store, run_id), self.cache.in_use():
            staging = Staging(
                plan=plan,
                data=load_datasets(plan),
                seed=plan.suite.seed,
                folders=Folders(store=store, run_id=run_id),
                cache=self.cache,
                closure=copy_closure(store),
            )
            yield from _settled(plan)
            waiting = []
            _, models = staging.prepare_models()
            for planned in plan.runnable:
                model = models[variant(planned)]
                if isinstance(model, Prepared):
                    waiting.append((planned, model))
                else:
                    yield _ahead(plan, planned, model)
            with closing(staging.builder.build_all(waiting)) as building:
                for planned, _, result in building:
                    yield _ahead(plan, planned, result)


def _settled(plan: Plan) -> Iterator[Ahead]:
    for planned in plan.cases:
        if isinstance(planned.outcome, Failed | Skipped):
            yield _ahead(plan, planned, planned.outcome)


def _ahead(plan: Plan, planned: PlannedCase, result: Built | Failed | Skipped) -> Ahead:
    device = plan.devices[registry.get(planned.case.backend).device]
    return Ahead(case=planned.case, target=device.sm or device.kind, result=result)
