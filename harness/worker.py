"""The child's program: builds one engine, or opens one session and times it, as it is told.

Verbs: inventory, keys, describe, build, open, warm, block, outputs, infer, close. One worker lives
for one build, one launch, one accuracy pass or one question about its environment. It needs numpy,
the standard library and the backend's runtime only, and runs from a copy (`harness/closure.py`), so
that a side may live in another environment.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engines import registry
from engines.contract import Device, Engine, EngineError, PreparedModel, Site
from harness.blocks import timed_blocks
from harness.inventory import engine_keys, inventory
from harness.memory import peak_rss_bytes, reset_peak_rss, rss_bytes
from harness.serve import serve
from harness.timing import clock_name, loop_name, make_loop, stopwatch, untimed_queries
from harness.warmup import WarmupRule, warm_up
from harness.wire import Message
from suites.case import Case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.contract import Arrays, Backend, Session
    from harness.blocks import TimedBlock
    from harness.serve import Verbs
    from harness.timing import Loop

    Header = Mapping[str, Any]


class Worker:
    """The state between verbs: the backend, then its session."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._backend: Backend | None = None
        self._session: Session | None = None
        self._loop: Loop | None = None
        self._query_ns = 0.0
        self._rss_before_open: int | None = None
        self.verbs: Verbs = {
            "inventory": self.inventory,
            "keys": self.keys,
            "describe": self.describe,
            "build": self.build,
            "open": self.open,
            "warm": self.warm,
            "block": self.block,
            "outputs": self.outputs,
            "infer": self.infer,
            "close": self.close,
        }

    def inventory(self, header: Header) -> Message:
        """Answer what this environment has of the backends and distributions asked about."""
        return Message(header=inventory(header["backends"], header["distributions"]))

    def keys(self, header: Header) -> Message:
        """Answer the engine key of each case of one backend."""
        keys = engine_keys(header["backend"], header["cases"], Device(**header["device"]))
        return Message(header={"keys": keys})

    def describe(self, header: Header) -> Message:
        """Import the backend's runtime, and answer that the process is up.

        `build_for` is the device of the builds to come, absent where a session is to be opened.
        """
        self._backend = registry.get(header["backend"])
        target = header.get("build_for")
        reason = (
            self._backend.unavailable()
            if target is None
            else self._backend.cannot_build(Device(**target))
        )
        if reason is not None:
            raise EngineError("environment", reason, "Run `dyno backends` for what is missing.")
        self._backend.load()
        return Message(header={"pid": os.getpid(), "python": sys.version.split()[0]})

    def build(self, header: Header) -> Message:
        """Build the case's engine into the path that the parent names."""
        model = PreparedModel(
            path=Path(header["model"]),
            sha256=header["sha256"],
            external_data=header["external_data"],
            dims={name: tuple(dims) for name, dims in header.get("dims", {}).items()},
            values=header.get("values", {}),
        )
        model.path.stat()
        path = Path(header["engine"])
        case, site = Case.from_dict(header["case"]), read_site(header["site"])
        passed_ns = stopwatch()
        engine = self._need_backend().build(model, case, path, site)
        build_ns = passed_ns()
        return Message(
            header={
                "build_ns": build_ns,
                "engine_bytes": sum(
                    file.stat().st_size for file in path.parent.glob(f"{path.name}*")
                ),
                "facts": dict(engine.facts),
            }
        )

    def open(self, header: Header) -> Message:
        """Open the session, capture its graph where the case asks for one, and silence gc."""
        backend, case = self._need_backend(), Case.from_dict(header["case"])
        engine = Engine(path=Path(header["engine"]), facts=header["facts"])
        engine.path.stat()  # what a runtime says of a missing file reads as if the model were wrong
        inputs = load_inputs(header["inputs"])
        reset_peak_rss()
        self._rss_before_open = rss_bytes()
        site = read_site(header["site"])
        passed_ns = stopwatch()
        session = self._stack.enter_context(backend.open(engine, case, inputs, site))
        if header["cuda_graph"]:
            session.capture()
        open_ns = passed_ns()
        self._session, self._loop = session, make_loop(session)
        gc.collect()
        gc.freeze()
        gc.disable()
        return Message(
            header={
                "open_ns": open_ns,
                "loop": loop_name(session),
                "clock": clock_name(session),
            }
        )

    def warm(self, header: Header) -> Message:
        """Run the warm-up rule."""
        warmup = warm_up(self._need_loop(), WarmupRule(**header["rule"]))
        self._query_ns = warmup.query_ns
        return Message(header=asdict(warmup))

    def block(self, header: Header) -> Message:
        """Run timed blocks until they last `total_s` (one at least).

        The peak of memory is read before the answer is made: the answer is not the engine's.
        `span_ns` is from before the first block to after the last, `span_queries` all that ran in
        it, timed or not.
        """
        passed_ns = stopwatch()
        blocks = timed_blocks(
            self._need_loop(),
            block_s=header["block_s"],
            block_queries=header["block_queries"],
            total_s=header["total_s"],
            query_ns=self._query_ns,
        )
        span_ns = passed_ns()
        session = self._need_session()
        untimed = untimed_queries(len(session.enqueue))
        header = {
            "peak_rss_bytes": self._peak_rss_bytes(),
            "blocks": [_row(block, simulated=session.host_clock is not None) for block in blocks],
            "span_ns": span_ns,
            "span_queries": sum(len(block.timings.wall_ns) + untimed for block in blocks),
        }
        return Message(header=header, arrays=_timings(blocks))

    def outputs(self, header: Header) -> Message:
        """Answer the outputs of the last query."""
        del header
        outputs = self._need_session().outputs()
        return Message(header={}, arrays=outputs)

    def infer(self, header: Header) -> Message:
        """Answer the outputs of one untimed query in slot 0, with the message's arrays as inputs.

        A message without arrays leaves the inputs as they are.
        """
        session = self._need_session()
        if "arrays" in header:
            session.feed(header["arrays"])
        for calls in (session.copy_in, session.enqueue, session.copy_out, session.fence):
            for call in calls[:1]:
                call()
        if session.wait is not None:
            session.wait[0]()
        return Message(header={}, arrays=session.outputs())

    def close(self, header: Header) -> Message:
        """Answer what really ran, and close the session."""
        del header
        facts = asdict(self._session.facts()) if self._session else {}
        self._session = self._loop = None
        self._stack.close()
        return Message(header={"facts": facts})

    def explain(self, error: Exception) -> EngineError:
        """Return what an exception of the runtime means."""
        if self._backend is None:
            return EngineError("environment", f"{type(error).__name__}: {error}", "")
        return self._backend.explain(error)

    def _peak_rss_bytes(self) -> int | None:
        """Return the peak above what the process held before open; None where it is not told."""
        peak, before = peak_rss_bytes(), self._rss_before_open
        return None if peak is None or before is None else max(0, peak - before)

    def _need_backend(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("worker: expected describe first")
        return self._backend

    def _need_session(self) -> Session:
        if self._session is None:
            raise RuntimeError("worker: expected an open session")
        return self._session

    def _need_loop(self) -> Loop:
        if self._loop is None:
            raise RuntimeError("worker: expected an open session")
        return self._loop


def read_site(header: Header) -> Site:
    """Return where the backend works, its folder made."""
    scratch = Path(header["scratch"])
    scratch.mkdir(parents=True, exist_ok=True)
    return Site(device=Device(**header["device"]), scratch=scratch)


def load_inputs(header: Header) -> Arrays:
    """Return the arrays of an inputs file by name; entry k of the file belongs to name k."""
    with np.load(header["path"]) as stored:
        return {
            name: typed(stored[f"input{k}"], dtype)
            for k, (name, dtype) in enumerate(zip(header["names"], header["dtypes"], strict=True))
        }


def typed(array: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """Return the array as its real type: numpy's file format forgets those of ml_dtypes."""
    if array.dtype.kind != "V":
        return array
    import ml_dtypes

    return array.view(getattr(ml_dtypes, dtype))


def _row(block: TimedBlock, *, simulated: bool) -> list[int]:
    """Return queries, elapsed, CPU time, voluntary and involuntary switches of a block.

    The real process's usage means nothing beside a simulated clock: it is then 0.
    """
    used = block.used
    usage = (used.cpu_ns, used.voluntary_switches, used.involuntary_switches)
    return [
        len(block.timings.wall_ns),
        block.timings.elapsed_ns,
        *((0, 0, 0) if simulated else usage),
    ]


def _timings(blocks: tuple[TimedBlock, ...]) -> Arrays:
    """Return the raw timings of all blocks by field, one after the other, without absent fields."""
    fields = ("wall_ns", "enqueue_ns", "gpu_compute_ns", "h2d_ns", "d2h_ns")
    columns = {field: [getattr(block.timings, field) for block in blocks] for field in fields}
    return {
        field: np.concatenate(column) for field, column in columns.items() if column[0] is not None
    }


def main(read_fd: int, write_fd: int) -> None:
    """Serve one build or one launch."""
    worker = Worker()
    serve(read_fd, write_fd, worker.verbs, worker.explain)
