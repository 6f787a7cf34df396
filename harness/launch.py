"""One launch: a fresh worker that opens a case's engine, warms up, and times it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from engines import registry
from harness.child import Child
from harness.environment import readings
from harness.outcome import check_outputs
from harness.protocol import BLOCK_QUERIES, resolve_protocol, warmup_rule
from harness.records import launch_record

if TYPE_CHECKING:
    from pathlib import Path

    from harness.build import Built
    from harness.folders import Folders
    from harness.plan import PlannedCase
    from harness.prepare import Inputs
    from results.record import LaunchRecord
    from suites.suite import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case with everything a launch needs."""

    planned: PlannedCase
    built: Built
    inputs: Inputs


def launch(
    ready: Ready, number: int, *, measure: Measure, closure: Path, folders: Folders
) -> LaunchRecord:
    """Return the launch's record. Raises ChildError.

    The parent only blocks on the wire while the worker runs: it draws and polls nothing.
    """
    case, limit_s = ready.planned.case, measure.timeout_s
    rule = warmup_rule(registry.get(case.backend).device)
    started_at, before = time.time(), readings()
    log = folders.log(str(ready.planned.position))
    with Child("harness.worker", path=closure, log=log) as child:
        child.ask("describe", timeout_s=limit_s, backend=case.backend)
        start_ns = child.age_ns()
        opened = child.ask(
            "open",
            timeout_s=limit_s,
            case=case.to_dict(),
            engine=str(ready.built.path),
            facts=ready.built.facts,
            inputs={
                "path": str(ready.inputs.path),
                "names": ready.inputs.names,
                "dtypes": ready.inputs.dtypes,
            },
            cuda_graph=bool(ready.planned.options.get("cuda_graph", False)),
        )
        warm = child.ask("warm", timeout_s=limit_s, rule=asdict(rule))
        block = child.ask(
            "block",
            timeout_s=limit_s + measure.launch_s,
            block_s=rule.block_s,
            block_queries=BLOCK_QUERIES,
            total_s=measure.launch_s,
        )
        if number == 0:
            check_outputs(child.ask("outputs", timeout_s=limit_s).arrays)
        closed = child.ask("close", timeout_s=limit_s)
    protocol = resolve_protocol(
        measure=measure,
        options=ready.planned.options,
        rule=rule,
        loop=opened.header["loop"],
        clock=opened.header["clock"],
    )
    return launch_record(
        number=number,
        started_at=started_at,
        protocol=protocol,
        start_ns=start_ns,
        opened=opened,
        warm=warm,
        block=block,
        closed=closed,
        covariates={"before": before, "after": readings()},
    )
