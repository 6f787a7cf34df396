"""Models at the precisions that cases ask for: each made once, in a child, unless it is cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from threading import Event
from typing import TYPE_CHECKING, Any

from engines.cache.cache import Draft, Request
from engines.precision.recipes import RECIPES, recipe_code
from harness.cached import obtain, set_on_error
from harness.child import Child, child_pool
from harness.outcome import failed_on_disk
from harness.prepare.calibration import CalibrationFile, store_calibration
from harness.prepare.models import Prepared
from results.effect import Effect
from results.record import Failed, Skipped
from suites.errors import SuiteError
from suites.shapes import resolve_shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engines.cache.cache import EngineCache, Found
    from harness.folders import Folders
    from harness.plan import Plan, PlannedCase
    from suites.case import Case
    from suites.datasets.samples import Samples

Variant = tuple[str, str]
"""A model's name and a precision."""
_TOOLS = ("onnx", "onnxruntime", "numpy")
"""What recipes are made with: another version may make another graph."""


def variant(planned: PlannedCase) -> Variant:
    """Return what the case runs."""
    return planned.case.model, planned.case.precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Converter:
    """Makes the models of a plan at its cases' precisions.

    `own` has each model as it came; `samples` those that calibrate, by model, where there are any.
    """

    plan: Plan
    own: Mapping[str, Prepared | Failed]
    samples: Mapping[str, Samples]
    cache: EngineCache
    folders: Folders

    def convert_all(self, told: Callable[[int, int], None]) -> dict[Variant, Prepared | Failed]:
        """Return each model at each precision that a case to be tried has; all cores work on it.

        `told` gets how many are made, and of how many.
        """
        first: dict[Variant, Case] = {}
        for planned in self.plan.runnable:
            first.setdefault(variant(planned), planned.case)
        calibrations = {model: self._calibration(model, first) for model in self.own}
        stop, done = Event(), 0
        found: dict[Variant, Prepared | Failed] = {}
        with child_pool() as pool, set_on_error(stop):
            results = pool.map(lambda each: self._convert(each, calibrations[each[0]], stop), first)
            for each, result in zip(first, results, strict=True):
                found[each] = result
                told(done := done + 1, len(first))
        return found

    def _calibration(
        self, model: str, first: Mapping[Variant, Case]
    ) -> CalibrationFile | Failed | None:
        """Return what calibrates the model, None where none of its precisions is calibrated."""
        if not any(self._is_calibrated(case) for (name, _), case in first.items() if name == model):
            return None
        of_suite = {each.name: each for each in self.plan.suite.models}
        try:
            return store_calibration(
                of_suite[model],
                self.plan.models[model],
                self._first(model),
                self.plan.suite.calibration,
                self.samples.get(model),
                self.folders,
            )
        except SuiteError as error:
            hint = "Mend the model's inputs, or give it a data set."
            return Failed(kind="invalid-model", message=f"calibration: {error}", hint=hint)
        except OSError as error:
            return failed_on_disk(error)

    def _is_calibrated(self, case: Case) -> bool:
        return self._is_changed(case.model, case.precision) and RECIPES[case.precision].calibrated

    def _is_changed(self, model: str, precision: str) -> bool:
        return precision in RECIPES and precision != self.plan.models[model].precision

    def _convert(
        self, each: Variant, calibration: CalibrationFile | Failed | None, stop: Event
    ) -> Prepared | Failed:
        model, precision = each
        own = self.own[model]
        if isinstance(own, Failed) or not self._is_changed(model, precision):
            return own
        used = calibration if RECIPES[precision].calibrated else None
        if isinstance(used, Failed):
            return used
        work = _Work(
            own=own,
            model=model,
            precision=precision,
            calibration=used,
            shapes=self._shapes(model),
            timeout_s=self.plan.suite.measure.timeout_s,
            folders=self.folders,
        )
        found = obtain(self.cache, work.request, work.build, stop)
        return found if isinstance(found, Failed) else work.prepared(found)

    def _first(self, model: str) -> Case:
        """Return the model's first case that is not skipped, whose sizes its graphs are made at.

        Closed ones count: a run that goes on makes the graphs that it had.
        """
        cases = [each for each in self.plan.cases if each.case.model == model]
        return next(each.case for each in cases if not isinstance(each.outcome, Skipped))

    def _shapes(self, model: str) -> dict[str, tuple[int, ...]]:
        """Return the shapes at which shares of operations are told: the first ones, of batch 1."""
        sizes = {**self._first(model).sizes, "batch": 1}
        signature = self.plan.models[model].signature
        return {spec.name: resolve_shape(spec, sizes) for spec in signature.inputs}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One model to be made at one precision."""

    own: Prepared
    model: str
    precision: str
    calibration: CalibrationFile | None
    shapes: Mapping[str, tuple[int, ...]]
    timeout_s: float
    folders: Folders

    @property
    def request(self) -> Request:
        """Return what the graph's bytes and its effect depend on."""
        used = self.calibration
        return Request(
            fields={
                "graph": self.precision,
                "recipe_code": recipe_code(),
                "tools": {name: _version(name) for name in _TOOLS},
                "model_sha256": self.own.sha256,
                "shapes": {name: list(shape) for name, shape in self.shapes.items()},
                "calibration": {"sha256": used.sha256, "method": used.method} if used else {},
            },
            about={"model": self.model, "precision": self.precision},
            dyno_version=version("engine-dyno"),
        )

    def build(self, path: Path) -> Draft:
        """Make the graph at `path` in a fresh child. Raises ChildError."""
        log = self.folders.log(f"convert-{self.model}-{self.precision}")
        with Child("harness.prepare.worker", log=log) as child:
            reply = child.ask(
                "convert",
                timeout_s=self.timeout_s,
                source=str(self.own.path),
                target=str(path),
                precision=self.precision,
                shapes=dict(self.shapes),
                calibration=_spell(self.calibration),
            )
            child.ask("close", timeout_s=self.timeout_s)
        facts = {"effect": json.dumps(reply.header["effect"])}
        return Draft(facts=facts, build_ns=reply.header["build_ns"])

    def prepared(self, found: Found) -> Prepared:
        """Return the model as cases take it."""
        hashes = [file.sha256 for file in found.entry.files]
        effect: dict[str, Any] = json.loads(str(found.entry.facts["effect"]))
        return Prepared(
            path=found.path,
            sha256=hashes[0] if len(hashes) == 1 else _joined(hashes),
            external_data=len(hashes) > 1,
            precision=self.precision,
            dims=self.own.dims,
            values=self.own.values,
            effect=Effect(**{**effect, "kept": tuple(effect["kept"])}),
            calibration=self.calibration.told if self.calibration else "",
        )


def _spell(calibration: CalibrationFile | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {
        "path": str(calibration.path),
        "samples": calibration.samples,
        "names": calibration.names,
        "dtypes": calibration.dtypes,
        "method": calibration.method,
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _joined(hashes: list[str]) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
