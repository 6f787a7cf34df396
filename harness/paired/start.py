"""Starting a gate: from a suite, a store and a baseline's name to a gate ready to execute."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from engines.cache import DEFAULT_CAP_BYTES
from engines.cache.cache import EngineCache
from harness.baseline.pin import pin_suite_of, within
from harness.baseline.restore import Restorer
from harness.baseline.shelf import Shelf
from harness.baseline.site import backends_of, check_versions
from harness.folders import cache_folder
from harness.paired.bench import bench
from harness.paired.gate import Gate
from harness.paired.interpreter import InterpreterError, probe
from harness.plan import make_plan
from harness.prepare.datasets import load_datasets
from harness.start import fresh_id, surroundings
from results.gate_record import Changes, GateRecord
from results.gates import Gates
from results.paired import BASELINE, CANDIDATE
from results.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.paired.bench import Bench
    from harness.paired.interpreter import Interpreter
    from harness.paired.observer import GateObserver
    from harness.plan import Plan
    from results.baseline import Baseline
    from suites.selection import Only
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary


@contextmanager
def gating(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    baseline: str,
    kind: str = "gate",
    store: Path,
    only: Sequence[Only] = (),
    wait: bool = False,
    cache: Path | None = None,
    cache_bytes: int = DEFAULT_CAP_BYTES,
    device: str = "",
    python: str = sys.executable,
    observer: GateObserver,
) -> Iterator[Gate]:
    """Yield a gate of the suite against a baseline; nothing has run yet.

    `python` runs the candidate. A baseline that is an interpreter alone has the suite's cases
    pinned first. Raises SuiteError, StoreError, CacheError, BaselineError, InterpreterError,
    DeviceChoiceError, DeviceBusyError.
    """
    gates = Gates(Store(store, create=False))
    gates.baseline(baseline, suite.name)
    plan = make_plan(suite, vocabulary, only=only, store=store, keep=True, device=device)
    kept = EngineCache.make(cache_folder(store, cache), cap_bytes=cache_bytes)
    gate_id = fresh_id(time.time())
    with bench(
        plan, bench_id=gate_id, store=store, cache=kept, wait=wait, observer=observer
    ) as made:
        found = gates.baseline(baseline, suite.name)  # meanwhile another dyno may have rebased it
        interpreter = probed(found, made)
        if not found.suite:
            whole = make_plan(suite, vocabulary, store=store, keep=True, device=device)
            found = _pinned_now(found, whole, interpreter, made, observer)
            gates.add_baseline(found)
        record = GateRecord(
            id=gate_id,
            kind=kind,
            baseline_id=found.id,
            suite=suite.name,
            suite_sha256=suite.sha256,
            started_at=time.time(),
            dyno_version=version("engine-dyno"),
            threshold=suite.gate.latency,
            environment=surroundings(plan, worker=made.closure.name),
            changes=Changes(),
            only=",".join(f"{axis}={value}" for axis, value in only),
        )
        yield Gate(
            record=record,
            baseline=found,
            gates=gates,
            staging=made.staging(python),
            restorer=Restorer(baseline=found, shelf=Shelf.of(made.folders.store)),
            candidates=made.stage(CANDIDATE, python),
            baselines=made.stage(BASELINE, found.python),
            observer=observer,
        )


def probed(baseline: Baseline, made: Bench) -> Interpreter:
    """Return the baseline's interpreter as pinned. Raises BaselineError, InterpreterError."""
    try:
        interpreter = probe(
            baseline.python, backends_of(baseline), closure=made.closure, folders=made.folders
        )
    except InterpreterError as error:
        raise InterpreterError(f"{baseline.name}: {error}") from error
    check_versions(baseline, interpreter)
    return interpreter


def _pinned_now(
    waiting: Baseline, plan: Plan, interpreter: Interpreter, made: Bench, observer: GateObserver
) -> Baseline:
    """Return the baseline of the suite's cases for an interpreter that waited for its first gate.

    `plan` is of the whole suite, though the gate may be of a part.
    """
    plan = within(plan, interpreter)
    staging = replace(made, plan=plan, data=load_datasets(plan)).staging(sys.executable)
    supplies = staging.prepare(observer.preparing)
    return pin_suite_of(waiting, plan, supplies, Shelf.of(made.folders.store)).baseline
