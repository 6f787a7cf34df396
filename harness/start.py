"""Starting a run: from a suite and a store to a runner that is ready to execute."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.closure import copy_closure
from harness.environment import capture
from harness.folders import Folders
from harness.plan import make_plan
from harness.runner import Runner
from results.record import RunRecord
from results.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.observer import Observer
    from harness.plan import Plan
    from suites.suite import Suite
    from suites.vocabulary import Vocabulary

QUICK_LAUNCHES = 3
QUICK_LAUNCH_S = 0.2


def quickened(suite: Suite) -> Suite:
    """Return the suite with 3 launches of 0.2 s a case: a glance, whose intervals are wide."""
    measure = replace(
        suite.measure,
        launches_min=QUICK_LAUNCHES,
        launches_max=QUICK_LAUNCHES,
        launch_s=QUICK_LAUNCH_S,
    )
    return replace(suite, measure=measure)


def make_runner(
    suite: Suite,
    vocabulary: Vocabulary,
    *,
    store: Path,
    name: str,
    only: Sequence[tuple[str, str]],
    observer: Observer,
) -> Runner:
    """Return a runner for the suite. Raises SuiteError or StoreError; nothing has run yet."""
    plan = make_plan(suite, vocabulary, only=only)
    run = _run_record(plan, name)
    return Runner(
        plan=plan,
        run=run,
        store=Store(store),
        folders=Folders(store=store.resolve(), run_id=run.id),
        closure=copy_closure(store.resolve()),
        observer=observer,
    )


def _run_record(plan: Plan, name: str) -> RunRecord:
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return RunRecord(
        id=f"{stamp}-{secrets.token_hex(2)}",
        name=name or plan.suite.name,
        suite=plan.suite.name,
        suite_sha256=plan.suite.sha256,
        dyno_version=version("engine-dyno"),
        started_at=now,
        seed=plan.suite.seed,
        estimate_s=plan.estimate_s,
        environment=capture(suite_file=plan.suite.path),
    )
