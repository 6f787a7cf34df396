"""The translator between a case that was prepared and what a baseline stores of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.prepare.inputs import Inputs
from harness.prepare.models import Prepared
from results.baseline import PinnedCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.baseline.shelf import Shelf
    from harness.plan import PlannedCase


def pinned_case(
    planned: PlannedCase, prepared: Prepared, inputs: Inputs, files: Mapping[str, str]
) -> PinnedCase:
    """Return what is stored of the case; `files` are as `Shelf.keep_model` returns them."""
    return PinnedCase(
        position=planned.position,
        case=planned.case,
        options=dict(planned.options),
        model_sha256=prepared.sha256,
        inputs_sha256=inputs.sha256,
        model={
            "file": next(iter(files)),
            "files": dict(files),
            "external_data": prepared.external_data,
            "precision": prepared.precision,
            **described(prepared),
        },
        inputs={"names": list(inputs.names), "dtypes": list(inputs.dtypes)},
    )


def described(prepared: Prepared) -> dict[str, object]:
    """Return what the suite says of the model's inputs, JSON-ready."""
    return {
        "dims": {name: list(dims) for name, dims in prepared.dims.items()},
        "values": dict(prepared.values),
    }


def prepared_of(case: PinnedCase, shelf: Shelf) -> Prepared:
    """Return the pinned model; nothing is checked."""
    told = case.model
    return Prepared(
        path=shelf.model_folder(case.model_sha256) / told["file"],
        sha256=case.model_sha256,
        external_data=told["external_data"],
        precision=told["precision"],
        dims={name: tuple(dims) for name, dims in told["dims"].items()},
        values=dict(told["values"]),
    )


def inputs_of(case: PinnedCase, shelf: Shelf) -> Inputs:
    """Return the pinned inputs; nothing is checked."""
    return Inputs(
        path=shelf.inputs_file(case.inputs_sha256),
        sha256=case.inputs_sha256,
        names=tuple(case.inputs["names"]),
        dtypes=tuple(case.inputs["dtypes"]),
    )
