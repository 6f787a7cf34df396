"""Throughput through dyno's loop over that of a bare loop around the same session's calls."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from engines import registry
from engines.contract import PreparedModel, Site
from harness.devices import find_devices
from harness.timing import make_loop
from suites.case import Case
from suites.models.builtin import get, resolve

if TYPE_CHECKING:
    from engines.contract import Session

MODEL = "cnn"
BLOCK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """Time per query of one block each way [ns]."""

    bare_ns: float
    dyno_ns: float


def throughput_over_bare(backend: str, *, queue_depth: int, batch: int, quads: int) -> float:
    """Return the median ratio over as many ABBA quads in one process, on the first device."""
    found = registry.get(backend)
    model = get(MODEL)
    case = Case(
        model=MODEL,
        backend=backend,
        precision="fp32",
        batch=batch,
        options=(("queue_depth", queue_depth),),
    )
    found.load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(device=find_devices({found.device})[found.device], scratch=folder)
        proto = model.build(resolve(model, {}))
        onnx.save(proto, folder / "model.onnx")
        dims = proto.graph.input[0].type.tensor_type.shape.dim[1:]
        shape = (batch, *(dim.dim_value for dim in dims))
        rows = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
        prepared = PreparedModel(path=folder / "model.onnx", sha256="0" * 64)
        engine = found.build(prepared, case, folder / "engine", site)
        with found.open(engine, case, {proto.graph.input[0].name: rows}, site) as session:
            return _ratio(session, quads)


def _ratio(session: Session, quads: int) -> float:
    loop = make_loop(session)
    query_ns = loop(100)().elapsed_ns / 100
    queries = max(20, round(BLOCK_S * 1e9 / query_ns))
    _quad(session, queries, "ABBA")
    orders = ("BAAB" if turn % 2 else "ABBA" for turn in range(quads))
    found = [_quad(session, queries, order) for order in orders]
    return float(np.median([sides.bare_ns / sides.dyno_ns for sides in found]))


def _quad(session: Session, queries: int, order: str) -> _Sides:
    loop = make_loop(session)
    taken: dict[str, list[float]] = {"A": [], "B": []}
    for side in order:
        elapsed_ns = _bare_ns(session, queries) if side == "A" else loop(queries)().elapsed_ns
        taken[side].append(elapsed_ns / queries)
    return _Sides(bare_ns=float(np.mean(taken["A"])), dyno_ns=float(np.mean(taken["B"])))


def _bare_ns(session: Session, queries: int) -> int:
    """Return the time of as many queries with neither a clock nor an event between them."""
    slots, wait = len(session.enqueue), session.wait
    start = time.perf_counter_ns()
    for query in range(queries):
        slot = query % slots
        if wait is not None and query >= slots:
            wait[slot]()
        session.enqueue[slot]()
        for call in session.fence[slot : slot + 1]:
            call()
    if wait is not None:
        for query in range(max(0, queries - slots), queries):
            wait[query % slots]()
    return time.perf_counter_ns() - start
