"""The reference: what the model's own graph answers on ONNX Runtime's CPU provider.

Its graph is optimized no further than `basic`: later fusions may change what is rounded where.
Answers are kept by what they follow from, so that all precisions and backends share one run.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any

from engines import registry
from engines.contract import Device, Engine
from harness.accuracy import kept
from harness.child import Child, ChildError
from harness.launch import open_session
from harness.prepare.inputs import digest
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from harness.accuracy.batches import Batches
    from harness.launch import Workplace
    from harness.prepare.inputs import Inputs
    from harness.prepare.models import Prepared
    from suites.case import Case

    Arrays = Mapping[str, NDArray[np.generic]]

BACKEND = "onnxruntime-cpu"
_OPTIONS = (("graph_optimization", "basic"),)
_SCORED = "scored"
_making: dict[Path, Lock] = {}
"""Held while a file of answers is made: cases are asked side by side."""


class NoReferenceError(Exception):
    """There are no reference answers; the text says why."""


def infer(child: Child, timeout_s: float, arrays: Arrays | None = None) -> Arrays:
    """Return the outputs of one query, on these inputs or those there are. Raises ChildError."""
    return child.ask("infer", timeout_s=timeout_s, arrays=arrays).arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What is known of the right answers to a case. `own` is the model as it came."""

    own: Prepared
    case: Case
    inputs: Inputs
    workplace: Workplace

    @property
    def told(self) -> str:
        """Return what it is, for people."""
        return f"the {self.own.precision} graph on {BACKEND}"

    def answers(self, query: Arrays | None = None) -> Arrays:
        """Return the outputs on a query's inputs, by default the case's. Raises NoReferenceError.

        Two runs in one session must agree bit by bit: no precision can be held against a model that
        does not agree with itself.
        """
        what = "" if query is None else f"query {digest(query)}"
        return self._obtain(what, partial(self._twice, query))

    def scored(self, batches: Batches) -> NDArray[Any]:
        """Return the scored output of every sample. Raises NoReferenceError, ScoreError."""

        def make(child: Child) -> Arrays:
            return {_SCORED: batches.answers(partial(infer, child, self._timeout_s))}

        what = f"scored {batches.samples.output} {digest(batches.samples.inputs)}"
        return self._obtain(what, make)[_SCORED]

    def _obtain(self, what: str, make: Callable[[Child], Arrays]) -> Arrays:
        """Return what is kept, or made with a worker; who asks for the same meanwhile waits."""
        path = self._path(what)
        with _making.setdefault(path, Lock()):
            if (found := kept.read(path)) is not None:
                return found
            with self._worker() as child:
                made = make(child)
            kept.write(path, made)
            return made

    def _twice(self, query: Arrays | None, child: Child) -> Arrays:
        first, second = (infer(child, self._timeout_s, query) for _ in range(2))
        for name, array in first.items():
            if array.shape != second[name].shape or array.tobytes() != second[name].tobytes():
                raise NoReferenceError(
                    f"non-deterministic: two runs on the same inputs differ in output {name!r}"
                )
        return first

    @property
    def _timeout_s(self) -> float:
        return self.workplace.measure.timeout_s

    @property
    def _case(self) -> Case:
        own = self.own.precision
        return replace(self.case, backend=BACKEND, precision=own, options=_OPTIONS)

    @property
    def _cpu(self) -> Device:
        return self.workplace.devices.get("cpu", Device(kind="cpu"))

    def _path(self, what: str) -> Path:
        """Return the file of the answers. Raises NoReferenceError without a runtime."""
        self._require_runtime()
        runtime = dict(registry.get(BACKEND).engine_key(self._case, self._cpu))
        follows = [self.own.sha256, self.inputs.sha256, what, runtime]
        key = hashlib.sha256(json.dumps(follows, sort_keys=True).encode()).hexdigest()
        return self.workplace.folders.inputs / f"answers-{key}.npz"

    def _require_runtime(self) -> None:
        backend = registry.get(BACKEND)
        missing = backend.unavailable() or backend.unsupported(self._case, self._cpu)
        if missing is not None:
            raise NoReferenceError(f"{BACKEND}: {missing}")

    @contextmanager
    def _worker(self) -> Iterator[Child]:
        """Yield a worker that has built and opened the model's own graph."""
        folders = self.workplace.folders
        scratch, log = folders.scratch("reference"), folders.log(f"reference-{self.case.model}")
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            with (
                TemporaryDirectory(dir=scratch) as folder,
                Child("harness.worker", path=self.workplace.closure, log=log) as child,
            ):
                self._open(child, Path(folder))
                yield child
        except ChildError as error:
            raise NoReferenceError(f"the reference failed: {error.message}") from error
        except OSError as error:
            told = f"the reference failed: {error.filename or scratch}: {reason(error)}"
            raise NoReferenceError(told) from error

    def _open(self, child: Child, folder: Path) -> None:
        """Have the worker build the graph in the folder and open it. Raises ChildError."""
        path, timeout_s = folder / "engine", self._timeout_s
        site = {"device": asdict(self._cpu), "scratch": str(folder)}
        child.ask("describe", timeout_s=timeout_s, backend=BACKEND)
        built = child.ask(
            "build",
            timeout_s=timeout_s,
            case=self._case.to_dict(),
            model=str(self.own.path),
            sha256=self.own.sha256,
            external_data=self.own.external_data,
            dims=self.own.dims,
            values=self.own.values,
            engine=str(path),
            site=site,
        )
        open_session(
            child,
            Engine(path=path, facts=built.header["facts"]),
            self._case,
            self.inputs,
            site=site,
            cuda_graph=False,
            timeout_s=timeout_s,
        )
