"""What pairs are made at: the devices held, the cache in use, and both roles' stages."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engines import registry
from harness.alive import alive
from harness.closure import copy_closure
from harness.device_lock import devices, hold
from harness.folders import Folders
from harness.launch import Workplace
from harness.paired.sides import Stage
from harness.prepare.datasets import load_datasets
from harness.staging import Staging
from harness.telemetry.watch import watching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engines.cache.cache import EngineCache
    from harness.paired.observer import GateObserver
    from harness.plan import Plan
    from harness.prepare.datasets import Datasets
    from harness.telemetry.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A plan with all that its pairs share; nothing has run yet."""

    plan: Plan
    data: Datasets
    folders: Folders
    cache: EngineCache
    closure: Path
    watches: Mapping[str, Watch] = field(default_factory=dict)

    def staging(self, python: str) -> Staging:
        """Return what prepares the plan's cases here, and builds their engines under `python`."""
        return Staging(
            plan=self.plan,
            data=self.data,
            seed=self.plan.suite.seed,
            folders=self.folders,
            cache=self.cache,
            closure=self.closure,
            python=python,
            counts=False,
        )

    def stage(self, role: str, python: str) -> Stage:
        """Return where the sides of a role are made ready, their processes run by `python`."""
        workplace = Workplace(
            measure=self.plan.suite.measure,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            watches=self.watches,
            python=python,
        )
        return Stage(role=role, builder=self.staging(python).builder, workplace=workplace)


@contextmanager
def bench(
    plan: Plan,
    *,
    bench_id: str,
    store: Path,
    cache: EngineCache,
    wait: bool,
    observer: GateObserver,
) -> Iterator[Bench]:
    """Yield a bench that has the plan's devices to itself. Raises DeviceBusyError, AliveError."""
    data = load_datasets(plan)
    folder = store.resolve()
    kinds = {registry.get(planned.case.backend).device for planned in plan.runnable}
    watched = [plan.devices[kind] for kind in sorted(kinds)]
    what = f"pairs of suite {plan.suite.name!r} into {folder}"
    with (
        hold(devices(plan), what=what, wait=wait, waiting=observer.waiting),
        alive(folder, bench_id),
        cache.in_use(),
        watching(watched, idle=False) as watches,
    ):
        yield Bench(
            plan=plan,
            data=data,
            folders=Folders(store=folder, run_id=bench_id),
            cache=cache,
            closure=copy_closure(folder),
            watches=watches,
        )
