"""How a suite differs from what was pinned of it: which cases are new, gone or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines import registry
from harness.baseline.pinned import described
from harness.baseline.site import identity
from harness.prepare.inputs import Inputs
from harness.prepare.models import Prepared
from harness.prepare.variants import variant
from results.gate_record import Changes
from suites.wording import spell_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.plan import Plan, PlannedCase
    from harness.staging import Supplies
    from results.baseline import Baseline, PinnedCase
    from suites.case import OptionValue

_HASH_DIGITS = 12


def changes(baseline: Baseline, plan: Plan, supplies: Supplies, *, part: bool = False) -> Changes:
    """Return how the plan differs from the baseline.

    New are cases that are to be tried here and were not pinned. With `part` the plan has only some
    of the suite's cases, and none counts as gone. A case whose model or inputs cannot be had here
    is judged by the rest.
    """
    pinned = {case.case.id: case for case in baseline.cases}
    told = {
        planned.case.id: ", ".join(_differences(pinned[planned.case.id], planned, supplies))
        for planned in plan.runnable
        if planned.case.id in pinned
    }
    here = {planned.case.id for planned in plan.cases}
    return Changes(
        new=tuple(each.case.id for each in plan.runnable if each.case.id not in pinned),
        gone=() if part else tuple(case_id for case_id in pinned if case_id not in here),
        changed={case_id: what for case_id, what in told.items() if what},
    )


def other_device(baseline: Baseline, plan: Plan, planned: PlannedCase) -> str | None:
    """Return that the case's device is not the one that the baseline was pinned on, or None."""
    device = plan.devices[registry.get(planned.case.backend).device]
    pinned, found = baseline.devices.get(device.kind), identity(device)
    if pinned in (None, found):
        return None
    return f"device: pinned on {pinned}, and this is {found}"


def other_inputs(pinned: PinnedCase, planned: PlannedCase, supplies: Supplies) -> str | None:
    """Return that the case's inputs are not those that were pinned, or None."""
    found = supplies.inputs.get(planned.position)
    if not isinstance(found, Inputs) or found.sha256 == pinned.inputs_sha256:
        return None
    before, now = pinned.inputs_sha256[:_HASH_DIGITS], found.sha256[:_HASH_DIGITS]
    return f"inputs: pinned were {before!r}, and here they are {now!r}"


def _differences(pinned: PinnedCase, planned: PlannedCase, supplies: Supplies) -> Iterator[str]:
    """Yield what differs in a case: `model`, `dims`, `inputs`, `option threads: 1 → 2`."""
    model = supplies.models[variant(planned)]
    if isinstance(model, Prepared):
        if model.sha256 != pinned.model_sha256:
            yield "model"
        for name, value in described(model).items():
            if value != pinned.model[name]:
                yield name
    inputs = supplies.inputs.get(planned.position)
    if isinstance(inputs, Inputs) and inputs.sha256 != pinned.inputs_sha256:
        yield "inputs"
    yield from _options(pinned.options, planned.options)


def _options(pinned: Mapping[str, OptionValue], here: Mapping[str, OptionValue]) -> Iterator[str]:
    for name in sorted({*pinned, *here}):
        if pinned.get(name) != here.get(name):
            before, now = (
                spell_found(options[name]) if name in options else "none"
                for options in (pinned, here)
            )
            yield f"option {name}: {before} → {now}"
