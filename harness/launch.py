"""One launch: a fresh worker that opens a case's engine, warms up, and times it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from engines import registry
from engines.contract import Engine
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
    from harness.prepare.inputs import Inputs
    from harness.staging import Ready
    from harness.telemetry.watch import Watch
    from harness.warmup import WarmupRule
    from harness.wire import Message
    from results.record import LaunchRecord
    from suites.case import Case
    from suites.suite import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the launches of a run share. `closure` is the worker's copy that they start from.

    `watches` has, by kind, the devices that are asked about themselves; `python` is the interpreter
    of the workers; `role` is the side that they are of, "" where there are no sides.
    """

    measure: Measure
    closure: Path
    folders: Folders
    devices: Mapping[str, Device]
    watches: Mapping[str, Watch] = field(default_factory=dict)
    python: str = sys.executable
    role: str = ""

    def watch(self, ready: Ready) -> Watch | None:
        """Return the watch of the case's device, None where it is not asked about itself."""
        return self.watches.get(registry.get(ready.planned.case.backend).device)

    def log(self, ready: Ready) -> Path:
        """Return the file that takes what the case's workers print, the side's own."""
        position = str(ready.planned.position)
        return self.folders.log(f"{position}-{self.role}" if self.role else position)

    def site(self, backend: str) -> dict[str, object]:
        """Return where the backend works, as its worker is told."""
        device = self.devices[registry.get(backend).device]
        return {"device": asdict(device), "scratch": str(self.folders.scratch(backend))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A worker with an open session: its answers, and the time to its first one."""

    child: Child
    pid: int
    start_ns: int
    opened: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm(Opened):
    """A worker whose session is warm."""

    rule: WarmupRule
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
    timeout_s = workplace.measure.timeout_s
    rule = warmup_rule(registry.get(ready.planned.case.backend).device)
    with open_worker(ready, workplace) as found:
        warmed = found.child.ask("warm", timeout_s=timeout_s, rule=asdict(rule))
        yield Warm(
            child=found.child,
            pid=found.pid,
            start_ns=found.start_ns,
            opened=found.opened,
            rule=rule,
            warmed=warmed,
            timeout_s=timeout_s,
        )


@contextmanager
def open_worker(ready: Ready, workplace: Workplace) -> Iterator[Opened]:
    """Yield a fresh worker whose session is open, and has run nothing. Raises ChildError."""
    case, timeout_s = ready.planned.case, workplace.measure.timeout_s
    seen = variables(workplace.devices[registry.get(case.backend).device])
    with Child(
        "harness.worker",
        path=workplace.closure,
        log=workplace.log(ready),
        python=workplace.python,
        variables=seen,
    ) as child:
        described = child.ask("describe", timeout_s=timeout_s, backend=case.backend)
        start_ns = child.age_ns()
        engine = Engine(path=ready.built.path, facts=ready.built.facts)
        graph = bool(ready.planned.options.get("cuda_graph", False))
        opened = open_session(
            child,
            engine,
            case,
            ready.inputs,
            site=workplace.site(case.backend),
            cuda_graph=graph,
            timeout_s=timeout_s,
        )
        pid = described.header["pid"]
        yield Opened(child=child, pid=pid, start_ns=start_ns, opened=opened)


def open_session(
    child: Child,
    engine: Engine,
    case: Case,
    inputs: Inputs,
    *,
    site: Mapping[str, object],
    cuda_graph: bool,
    timeout_s: float,
) -> Message:
    """Return the worker's answer once its session on the engine is open. Raises ChildError."""
    return child.ask(
        "open",
        timeout_s=timeout_s,
        case=case.to_dict(),
        engine=str(engine.path),
        facts=engine.facts,
        inputs={
            "path": str(inputs.path),
            "names": inputs.names,
            "dtypes": inputs.dtypes,
        },
        site=site,
        cuda_graph=cuda_graph,
    )
