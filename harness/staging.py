"""From a plan to cases that a launch can take: models and inputs prepared, engines built."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.build import Builder, Built
from harness.child import ChildError
from harness.outcome import failed
from harness.prepare import Inputs, Prepared, prepare_models, store_inputs
from harness.records import case_record
from harness.room import engine_refusal
from results.record import Failed
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from engines.cache.cache import EngineCache
    from harness.folders import Folders
    from harness.plan import Plan, PlannedCase
    from results.record import CaseRecord, Outcome
    from suites.suite import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A case with everything a launch needs."""

    planned: PlannedCase
    prepared: Prepared
    built: Built
    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What a plan's cases are made of: models by name, inputs by the case's position."""

    models: Mapping[str, Prepared | Failed]
    inputs: Mapping[int, Inputs | Failed]

    @property
    def ready_inputs(self) -> dict[int, Inputs]:
        """Return those that could be made."""
        return {
            position: each for position, each in self.inputs.items() if isinstance(each, Inputs)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """Makes the cases of a plan ready; stores nothing. `seed` fills random inputs."""

    plan: Plan
    seed: int
    folders: Folders
    cache: EngineCache
    closure: Path

    def prepare(self) -> Supplies:
        """Prepare the models and inputs of the cases that are to be tried."""
        runnable = self.plan.runnable
        names = sorted({planned.case.model for planned in runnable})
        models = prepare_models(self.plan.suite, self.plan.models, names, self.folders)
        of_suite = {model.name: model for model in self.plan.suite.models}
        inputs = {
            planned.position: self._inputs(planned, of_suite[planned.case.model])
            for planned in runnable
            if isinstance(models[planned.case.model], Prepared)
        }
        return Supplies(models=models, inputs=inputs)

    def build(self, supplies: Supplies) -> Generator[tuple[CaseRecord, Ready | Outcome]]:
        """Yield each case that is to be tried, ready or with what it failed of."""
        waiting: list[tuple[PlannedCase, Prepared]] = []
        for planned in self.plan.runnable:
            model = supplies.models[planned.case.model]
            if isinstance(model, Failed):
                yield case_record(planned), model
            elif isinstance(inputs := supplies.inputs[planned.position], Failed):
                yield case_record(planned), inputs
            else:
                waiting.append((planned, model))
        ready = supplies.ready_inputs
        with closing(self._builder.build_all(waiting)) as building:
            for planned, model, result in building:
                yield self._staged(planned, model, ready[planned.position], result)

    def rebuild(self, ready: Ready) -> Ready | Outcome:
        """Build the case's engine again, which its runtime refused."""
        result = self._builder.rebuild(ready.planned, ready.prepared)
        if isinstance(result, Failed):
            return result
        return self._refusal(ready.planned, result) or replace(ready, built=result)

    def _staged(
        self, planned: PlannedCase, model: Prepared, inputs: Inputs, result: Built | Failed
    ) -> tuple[CaseRecord, Ready | Outcome]:
        built = result if isinstance(result, Built) else None
        record = case_record(planned, prepared=model, inputs_sha256=inputs.sha256, built=built)
        if isinstance(result, Failed):
            return record, result
        ready = Ready(planned=planned, prepared=model, built=result, inputs=inputs)
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
            hint = "Mend that, or name another folder with --store."
            message = f"{error.filename}: {reason(error)}"
            return Failed(kind="disk", message=message, hint=hint)

    @property
    def _builder(self) -> Builder:
        return Builder(
            cache=self.cache,
            closure=self.closure,
            folders=self.folders,
            devices=self.plan.devices,
            timeout_s=self.plan.suite.measure.timeout_s,
        )

    def _refusal(self, planned: PlannedCase, built: Built) -> Outcome | None:
        """Return that the built engine is more than its device has room for, or None."""
        device = self.plan.devices[registry.get(planned.case.backend).device]
        return engine_refusal(planned, built, self.plan.models[planned.case.model], device)
