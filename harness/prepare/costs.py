"""What a query of each case costs by its graph, counted in one child for all of a run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from harness.child import Child, ChildError
from results.effect import GraphCost
from suites.shapes import resolve_shape
from suites.suite import BuiltinSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.folders import Folders
    from harness.plan import Plan, PlannedCase
    from harness.prepare.models import Prepared

    Chosen = tuple[PlannedCase, Prepared]


def graph_costs(
    plan: Plan,
    own: Mapping[str, Prepared],
    chosen: Sequence[Chosen],
    folders: Folders,
) -> dict[int, GraphCost | str]:
    """Return the cost of each case by its position, or why it is not known.

    `own` has the models as they came, whose operations count; `chosen` each case with the graph
    that it runs, whose bytes count.
    """
    found: dict[int, GraphCost | str] = {}
    waiting = _groups(chosen)
    while group := next(waiting, None):
        try:
            with Child("harness.prepare.worker", log=folders.log("costs")) as child:
                while group:
                    found |= _ask(child, plan, own, group)
                    group = next(waiting, None)
        except ChildError as error:
            found |= {planned.position: error.message for planned, _ in group or ()}
    return found


def _groups(chosen: Sequence[Chosen]) -> Iterator[list[Chosen]]:
    """Yield the cases of a model and of sizes: they cost the same operations."""
    groups: dict[tuple[object, ...], list[Chosen]] = defaultdict(list)
    for planned, prepared in chosen:
        case = planned.case
        groups[case.model, case.batch, case.dims].append((planned, prepared))
    yield from groups.values()


def _ask(
    child: Child, plan: Plan, own: Mapping[str, Prepared], group: list[Chosen]
) -> dict[int, GraphCost | str]:
    """Return the costs of cases that share model and sizes. Raises ChildError."""
    case = group[0][0].case
    signature = plan.models[case.model].signature
    paths = {planned.case.precision: str(prepared.path) for planned, prepared in group}
    reply = child.ask(
        "cost",
        timeout_s=plan.suite.measure.timeout_s,
        own=str(own[case.model].path),
        graphs=paths,
        shapes={spec.name: resolve_shape(spec, case.sizes) for spec in signature.inputs},
    ).header
    return {
        planned.position: GraphCost(
            flops=reply["flops"],
            uncounted=reply["uncounted"],
            ceiling=_ceiling(plan, case.model),
            **reply["traffic"][planned.case.precision],
        )
        for planned, _ in group
    }


def _ceiling(plan: Plan, name: str) -> str:
    from suites.models.ceilings import ceiling

    source = next(model.source for model in plan.suite.models if model.name == name)
    return ceiling(source.name) if isinstance(source, BuiltinSource) else ""
