"""The data sets of a plan's models, divided into what calibrates and what judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suites.datasets.samples import Samples, split

if TYPE_CHECKING:
    from harness.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """By model: the samples that calibrate it, and those that judge it or why there are none."""

    calibrating: Mapping[str, Samples]
    judging: Mapping[str, Samples | str]


def load_datasets(plan: Plan) -> Datasets:
    """Return the data sets of the models that are to be tried. Raises SuiteError."""
    from suites.datasets.load import load_dataset

    tried = {planned.case.model for planned in plan.runnable}
    calibrating: dict[str, Samples] = {}
    judging: dict[str, Samples | str] = {}
    for model in plan.suite.models:
        if model.dataset is None or model.name not in tried:
            continue
        where = f"{plan.suite.where}: models.{model.name}.dataset"
        signature = plan.models[model.name].signature
        found = load_dataset(model.dataset, signature, where, given=dict(model.inputs))
        if isinstance(found, str):
            judging[model.name] = found
            continue
        parts = split(found, plan.suite.calibration.samples)
        calibrating[model.name], judging[model.name] = parts
    return Datasets(calibrating=calibrating, judging=judging)
