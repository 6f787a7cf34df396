"""One launch: a fresh worker that opens a case's engine, warms up, and times it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from engines import registry
from harness.child import Child
from harness.devices import variables
from harness.environment import readings
from harness.outcome import check_outputs
from harness.protocol import BLOCK_QUERIES, resolve_protocol, warmup_rule
from harness.records import launch_record
from harness.telemetry.around import Around

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engines.contract import Device
    from harness.folders import Folders
    from harness.staging import Ready
    from harness.telemetry.watch import Watch
    from harness.warmup import WarmupRule
    from harness.wire import Message
    from results.record import LaunchRecord
    from suites.suite import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the launches of a run share. `closure` is the worker's copy that they start from.

    `watches` has, by kind, the devices that are asked about themselves.
    """

    measure: Measure
    closure: Path
    folders: Folders
    devices: Mapping[str, Device]
    watches: Mapping[str, Watch] = field(default_factory=dict)

    def watch(self, ready: Ready) -> Watch | None:
        """Return the watch of the case's device, None where it is not asked about itself."""
        return self.watches.get(registry.get(ready.planned.case.backend).device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """A worker with a warm session: its answers so far, and the time to its first one."""

    child: Child
    pid: int
    rule: WarmupRule
    start_ns: int
    opened: Message
    warmed: Message
    timeout_s: float

    def block(self, total_s: float) -> Message:
        """Return the answer to timed blocks of `total_s` together. Raises ChildError."""
        return self.child.ask(
            "block",
            timeout_s=self.timeout_s + total_s,
            block_s=self.rule.block_s,
            block_queries=BLOCK_QUERIES,
            total_s=total_s,
        )


def launch(ready: Ready, number: int, *, workplace: Workplace) -> LaunchRecord:
    """Return the launch's record. Raises ChildError.

    The parent only blocks on the wire while the worker runs: it draws and polls nothing.
    """
    measure = workplace.measure
    started_at, before = time.time(), readings()
    around = Around(workplace.watch(ready))
    with warm_worker(ready, workplace) as warm:
        gpu_before = around.read(warm.pid)
        block = warm.block(measure.launch_s)
        gpu_after = around.read(warm.pid)
        if number == 0:
            check_outputs(warm.child.ask("outputs", timeout_s=measure.timeout_s).arrays)
        closed = warm.child.ask("close", timeout_s=measure.timeout_s)
    protocol = resolve_protocol(
        measure=measure,
        options=ready.planned.options,
        rule=warm.rule,
        loop=warm.opened.header["loop"],
        clock=warm.opened.header["clock"],
    )
    return launch_record(
        number=number,
        started_at=started_at,
        protocol=protocol,
        start_ns=warm.start_ns,
        opened=warm.opened,
        warm=warm.warmed,
        block=block,
        closed=closed,
        covariates={"before": before | gpu_before, "after": readings() | gpu_after},
    )


@contextmanager
def warm_worker(ready: Ready, workplace: Workplace) -> Iterator[Warm]:
    """Yield a fresh worker whose session is open and warm. Raises ChildError."""
    case, timeout_s = ready.planned.case, workplace.measure.timeout_s
    kind = registry.get(case.backend).device
    rule, log = warmup_rule(kind), workplace.folders.log(str(ready.planned.position))
    seen = variables(workplace.devices[kind])
    with Child("harness.worker", path=workplace.closure, log=log, variables=seen) as child:
        described = child.ask("describe", timeout_s=timeout_s, backend=case.backend)
        start_ns = child.age_ns()
        opened = child.ask(
            "open",
            timeout_s=timeout_s,
            case=case.to_dict(),
            engine=str(ready.built.path),
            facts=ready.built.facts,
            inputs={
                "path": str(ready.inputs.path),
                "names": ready.inputs.names,
                "dtypes": ready.inputs.dtypes,
            },
            site={
                "device": asdict(workplace.devices[kind]),
                "scratch": str(workplace.folders.scratch(case.backend)),
            },
            cuda_graph=bool(ready.planned.options.get("cuda_graph", False)),
        )
        warmed = child.ask("warm", timeout_s=timeout_s, rule=asdict(rule))
        yield Warm(
            child=child,
            pid=described.header["pid"],
            rule=rule,
            start_ns=start_ns,
            opened=opened,
            warmed=warmed,
            timeout_s=timeout_s,
        )
