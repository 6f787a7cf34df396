"""From a plan to cases that a launch can take: models and inputs prepared, engines built."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from engines import registry
from harness.build import Builder, Built
from harness.child import ChildError
from harness.outcome import failed, failed_on_disk
from harness.prepare.costs import graph_costs
from harness.prepare.inputs import Inputs, store_inputs
from harness.prepare.models import Prepared, prepare_models
from harness.prepare.variants import Converter, variant
from harness.records import case_record
from harness.room import engine_refusal
from results.record import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from engines.cache.cache import EngineCache
    from harness.folders import Folders
    from harness.plan import Plan, PlannedCase
    from harness.prepare.datasets import Datasets
    from harness.prepare.variants import Variant
    from results.effect import GraphCost
    from results.record import CaseRecord, Outcome
    from suites.datasets.samples import Samples
    from suites.suite import Model

    Told = Callable[[str, int, int], None]


def _nobody(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case with everything a launch needs.

    `own` is its model as it came, `samples` what its accuracy is judged by, or why there are none;
    "" where none are asked for.
    """

    planned: PlannedCase
    own: Prepared
    prepared: Prepared
    built: Built
    inputs: Inputs
    samples: Samples | str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What a plan's cases are made of.

    `own` has the models as they came, `models` those at the precisions of cases; inputs and costs
    are by the case's position, `samples` by the model's name.
    """

    own: Mapping[str, Prepared | Failed]
    models: Mapping[Variant, Prepared | Failed]
    inputs: Mapping[int, Inputs | Failed]
    costs: Mapping[int, GraphCost | str]
    samples: Mapping[str, Samples | str]

    @property
    def ready_inputs(self) -> dict[int, Inputs]:
        """Return those that could be made."""
        return {
            position: each for position, each in self.inputs.items() if isinstance(each, Inputs)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """Makes the cases of a plan ready; stores nothing.

    `seed` fills random inputs; `python` is the interpreter that builds the engines; `counts` says
    whether what a query costs by its graph is counted.
    """

    plan: Plan
    data: Datasets
    seed: int
    folders: Folders
    cache: EngineCache
    closure: Path
    python: str = sys.executable
    counts: bool = True

    def prepare(self, told: Told = _nobody) -> Supplies:
        """Prepare the models and inputs of the cases that are to be tried.

        `told` gets what is prepared, how many of it are done, and of how many.
        """
        own, models = self.prepare_models(told)
        of_suite = {model.name: model for model in self.plan.suite.models}
        chosen = [
            (planned, model)
            for planned in self.plan.runnable
            if isinstance(model := models[variant(planned)], Prepared)
        ]
        inputs = {
            planned.position: self._inputs(planned, of_suite[planned.case.model])
            for planned, _ in chosen
        }
        whole = {name: model for name, model in own.items() if isinstance(model, Prepared)}
        return Supplies(
            own=own,
            models=models,
            inputs=inputs,
            costs=graph_costs(self.plan, whole, chosen, self.folders) if self.counts else {},
            samples=self.data.judging,
        )

    def prepare_models(
        self, told: Told = _nobody
    ) -> tuple[dict[str, Prepared | Failed], dict[Variant, Prepared | Failed]]:
        """Return the models as they came, and at the precisions of the cases to be tried."""
        names = sorted({planned.case.model for planned in self.plan.runnable})
        told("models", 0, len(names))
        own = prepare_models(self.plan.suite, self.plan.models, names, self.folders)
        converter = Converter(
            plan=self.plan,
            own=own,
            samples=self.data.calibrating,
            cache=self.cache,
            folders=self.folders,
        )
        return own, converter.convert_all(partial(told, "precisions"))

    def build(self, supplies: Supplies) -> Generator[tuple[CaseRecord, Ready | Outcome]]:
        """Yield each case that is to be tried, ready or with what it failed of."""
        waiting: list[tuple[PlannedCase, Prepared]] = []
        for planned in self.plan.runnable:
            model = supplies.models[variant(planned)]
            if isinstance(model, Failed):
                yield case_record(planned), model
            elif isinstance(inputs := supplies.inputs[planned.position], Failed):
                yield case_record(planned), inputs
            else:
                waiting.append((planned, model))
        with closing(self.builder.build_all(waiting)) as building:
            for planned, model, result in building:
                yield self._staged(planned, model, supplies, result)

    def rebuild(self, ready: Ready) -> Ready | Outcome:
        """Build the case's engine again, which its runtime refused."""
        result = self.builder.rebuild(ready.planned, ready.prepared)
        if isinstance(result, Failed):
            return result
        return self._refusal(ready.planned, result) or replace(ready, built=result)

    def _staged(
        self, planned: PlannedCase, model: Prepared, supplies: Supplies, result: Built | Failed
    ) -> tuple[CaseRecord, Ready | Outcome]:
        built = result if isinstance(result, Built) else None
        inputs, own = supplies.inputs[planned.position], supplies.own[planned.case.model]
        if isinstance(inputs, Failed) or isinstance(own, Failed):
            raise TypeError(f"{planned.case.id}: built without inputs or model")
        record = case_record(
            planned,
            prepared=model,
            inputs_sha256=inputs.sha256,
            built=built,
            cost=supplies.costs.get(planned.position),
        )
        if isinstance(result, Failed):
            return record, result
        ready = Ready(
            planned=planned,
            own=own,
            prepared=model,
            built=result,
            inputs=inputs,
            samples=supplies.samples.get(planned.case.model, ""),
        )
        return record, self._refusal(planned, result) or ready

    def _inputs(self, planned: PlannedCase, model: Model) -> Inputs | Failed:
        try:
            return store_inputs(
                model,
                self.plan.models[model.name],
                planned.case,
                seed=self.seed,
                folders=self.folders,
            )
        except ChildError as error:
            return failed(error)
        except OSError as error:
            return failed_on_disk(error)

    @property
    def builder(self) -> Builder:
        """Return what builds the engines of the plan."""
        return Builder(
            cache=self.cache,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            timeout_s=self.plan.suite.measure.timeout_s,
            python=self.python,
        )

    def _refusal(self, planned: PlannedCase, built: Built) -> Outcome | None:
        """Return that the built engine is more than its device has room for, or None."""
        device = self.plan.devices[registry.get(planned.case.backend).device]
        return engine_refusal(planned, built, self.plan.models[planned.case.model], device)
