"""Starting a run, or going on with one: from a suite and a store to a runner ready to execute."""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from engines import registry
from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.cache import EngineCache
from harness.alive import alive
from harness.closure import copy_closure
from harness.device_lock import devices, hold
from harness.doctor.diagnosis import examine
from harness.environment import capture
from harness.folders import Folders, cache_folder
from harness.plan import make_plan
from harness.prepare.datasets import load_datasets
from harness.resume import Earlier, check, find, remaining, used_device
from harness.runner import Runner
from results.record import RunRecord, RunResume
from results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.observer import Observer
    from harness.plan import Plan
    from results.record import RunResult
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

_AFTER_S = 0.001
"""A resume comes after what it resumes, also where the clock was set back."""
QUICK_LAUNCHES = 3
QUICK_LAUNCH_S = 0.2


def quickened(suite: Suite) -> Suite:
    """Return the suite with 3 launches of 0.2 s a case and no telemetry: a glance."""
    measure = replace(
        suite.measure,
        launches_min=QUICK_LAUNCHES,
        launches_max=QUICK_LAUNCHES,
        launch_s=QUICK_LAUNCH_S,
        telemetry_s=0.0,
    )
    return replace(suite, measure=measure)


def measured_as(suite: Suite, *, quick: bool, telemetry: bool, accuracy: bool) -> Suite:
    """Return the suite as the command line wants it measured."""
    measure = (quickened(suite) if quick else suite).measure
    return replace(
        suite,
        measure=replace(
            measure,
            telemetry_s=measure.telemetry_s if telemetry else 0.0,
            accuracy=measure.accuracy and accuracy,
        ),
    )


@contextmanager
def starting(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    store: Path,
    name: str = "",
    only: Sequence[tuple[str, str]] = (),
    resume: str | None = None,
    wait: bool = False,
    cache: Path | None = None,
    cache_bytes: int = DEFAULT_CAP_BYTES,
    device: str = "",
    observer: Observer,
) -> Iterator[Runner]:
    """Yield a runner for the suite that has its devices to itself; nothing has run yet.

    `resume` is None for a new run, else what `harness.resume.find` takes; `wait` waits for another
    dyno on the devices; `cache` is the engine cache, by default the store's; `device` chooses the
    CUDA device, by default the first, or that of the run that goes on. Raises SuiteError,
    StoreError, CacheError, ResumeError, DeviceChoiceError, DeviceBusyError, AliveError.
    """
    if resume is not None and not device:
        device = used_device(Store(store), resume, suite=suite.name)
    plan = make_plan(suite, vocabulary, only=only, store=store, keep=True, device=device)
    data = load_datasets(plan)
    opened = Store(store)
    kept = EngineCache.make(cache_folder(store, cache), cap_bytes=cache_bytes)
    what = f"suite {suite.name!r} into {store.resolve()}"
    with hold(devices(plan), what=what, wait=wait, waiting=observer.waiting):
        closure = copy_closure(store.resolve())
        run, earlier = _run_record(plan, name, only, worker=closure.name), None
        run_id = run.id if resume is None else find(opened, resume, suite=suite.name)
        with alive(store.resolve(), run_id), kept.in_use():
            if resume is not None:
                plan, run, earlier = _resumed(opened.read_run(run_id), plan, run)
            yield Runner(
                plan=plan,
                run=run,
                store=opened,
                folders=Folders(store=store.resolve(), run_id=run.id),
                cache=kept,
                closure=closure,
                observer=observer,
                data=data,
                earlier=earlier,
            )


def _resumed(run: RunResult, plan: Plan, fresh: RunRecord) -> tuple[Plan, RunRecord, Earlier]:
    """Return what is left of the plan, the run's own record, and what it left."""
    check(run, fresh, plan)
    ended_at = max((end.ended_at for end in run.ends), default=0.0)
    resume = RunResume(
        number=len(run.resumes) + 1,
        resumed_at=max(fresh.started_at, ended_at + _AFTER_S),
        environment=fresh.environment,
    )
    earlier = Earlier(
        resume=resume,
        records={case.record.position: case.record for case in run.cases},
        closed=frozenset(case.record.position for case in run.cases if case.outcome is not None),
    )
    return remaining(plan, run), run.record, earlier


def _run_record(
    plan: Plan, name: str, only: Sequence[tuple[str, str]], *, worker: str
) -> RunRecord:
    """Return how the run starts; `worker` is the hash of the code that will measure."""
    now = time.time()
    return RunRecord(
        id=fresh_id(now),
        name=name or plan.suite.name,
        suite=plan.suite.name,
        suite_sha256=plan.suite.sha256,
        dyno_version=version("engine-dyno"),
        started_at=now,
        seed=plan.suite.seed,
        estimate_s=plan.estimate_s,
        environment=surroundings(plan, worker=worker),
        only=",".join(f"{axis}={value}" for axis, value in only),
        measure=asdict(plan.suite.measure),
    )


def fresh_id(now: float) -> str:
    """Return an id for what starts now [s since the epoch]: its UTC time and four random digits."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}"


def surroundings(plan: Plan, *, worker: str) -> dict[str, Any]:
    """Return the environment that a plan is about to be measured in, JSON-ready."""
    environment = capture(suite_file=plan.suite.path)
    return environment | {
        "doctor": examine(),
        "source": {**environment["source"], "worker": worker},
        "device": _device(plan),
    }


def _device(plan: Plan) -> dict[str, str] | None:
    """Return which CUDA device the run uses, None where it uses none."""
    used = [registry.get(planned.case.backend).device for planned in plan.runnable]
    device = plan.devices["cuda"] if "cuda" in used else None
    if device is None:
        return None
    return {"uuid": device.uuid, "name": device.name, "sm": device.sm, "driver": device.driver}
