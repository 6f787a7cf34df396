"""A simulated device with a simulated clock: exact times, streams, events, graphs and failures.

It runs no model. Its output `y` is the sum of the first input, so that wrong inputs show. Time
passes only in the calls of the session, by the amounts of its options.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engines.contract import (
    Backend,
    Engine,
    EngineError,
    Option,
    StaleEngineError,
    resolve_options,
)
from engines.cuda.options import CUDA_GRAPH, L2, QUEUE_DEPTH, STREAMS, TRANSFERS, conflict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engines.contract import Arrays, Device, PreparedModel, Session, Site
    from suites.case import Case, OptionValue

FAILURES = (
    "none",
    "unavailable-op",
    "build",
    "build-crash",
    "open",
    "open-crash",
    "stale",
    "stale-again",
    "capture",
    "query",
    "nan",
    "hang",
    "crash",
    "exit",
    "memory",
)


class Fake:
    """The simulated device, for tests and for trying dyno itself."""

    name = "fake"
    simulated = True
    builds_on_device = True
    device = "fake"
    distribution = "engine-dyno"
    options: tuple[Option, ...] = (
        Option(name="latency_ns", default=1_000_000, minimum=1, help="time of one query"),
        Option(name="enqueue_ns", default=10_000, minimum=0, help="host time to enqueue a query"),
        Option(name="copy_ns", default=50_000, minimum=0, help="time of one copy, each way"),
        Option(name="cold_queries", default=20, minimum=0, help="first queries, ten times slower"),
        Option(name="drift_percent", default=0, minimum=0, help="spread of the warm queries"),
        Option(
            name="loop",
            default="blocking",
            choices=("blocking", "host-synchronised", "device-stamped"),
            help="what the simulated runtime offers to the timing loop",
        ),
        TRANSFERS,
        STREAMS,
        QUEUE_DEPTH,
        L2,
        CUDA_GRAPH,
        Option(name="failure", default="none", choices=FAILURES, help="what goes wrong, and where"),
    )

    def unavailable(self) -> str | None:
        """Return None: it runs everywhere."""
        return None

    def cannot_build(self, device: Device) -> str | None:
        """Return None: it builds for every device."""
        del device
        return None

    def load(self) -> None:
        """Import nothing."""

    def unsupported(self, case: Case, device: Device) -> str | None:
        """Return that a blocking runtime has no queue, graph or copies, or None."""
        del device
        options = resolve_options(self, case)
        plain = (
            options["streams"] == options["queue_depth"] == 1
            and not options["cuda_graph"]
            and options["transfers"] == "bound"
            and options["l2"] == "hot"
        )
        if options["loop"] == "blocking" and not plain:
            return "a blocking runtime has no streams, queue, copies or graph; use another loop"
        return conflict(options)

    def engine_key(self, case: Case, device: Device) -> dict[str, OptionValue]:
        """Return all options: its plans differ in nothing, but so do those of a real device."""
        del device
        return resolve_options(self, case)

    def build(self, model: PreparedModel, case: Case, path: Path, site: Site) -> Engine:
        """Write a plan that names the model's hash."""
        failure = resolve_options(self, case)["failure"]
        if failure == "unavailable-op":
            raise EngineError("unsupported-op", "fake: no kernel for op 'Foo'", "Use another op.")
        if failure == "build":
            raise EngineError("build", "fake: the builder gave up", "Ask the builder why.")
        if failure == "build-crash":
            os.kill(os.getpid(), signal.SIGABRT)
        path.write_text(f"fake plan of {model.sha256}\n", encoding="utf-8")
        if failure in ("stale", "stale-again"):
            before = site.scratch / "built-before"
            if failure == "stale-again" or not before.exists():
                path.write_text("plan of an older device\n", encoding="utf-8")
            before.touch()
        return Engine(path=path, facts={"layers": 1})

    @contextmanager
    def open(self, engine: Engine, case: Case, inputs: Arrays, site: Site) -> Iterator[Session]:
        """Open a session on a plan that `build` wrote."""
        del site
        from engines.fake.device import FakeSession

        options = resolve_options(self, case)
        if options["failure"] == "open":
            raise EngineError("out-of-memory", "fake: 3 GiB wanted, 2 GiB free", "Lower the batch.")
        if options["failure"] == "open-crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if not engine.path.read_text(encoding="utf-8").startswith("fake plan of "):
            said = f"fake: {engine.path.name} is from another device"
            raise StaleEngineError(said, "Have it built again.")
        yield FakeSession(options, inputs)

    def explain(self, error: Exception) -> EngineError:
        """Return the failure that the simulated exception stands for."""
        return EngineError("bad-output", str(error), "Leave the option `failure` at none.")


BACKEND: type[Backend] = Fake
