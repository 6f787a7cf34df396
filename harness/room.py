"""Whether a case fits the memory of this machine, and that of its device, before it is tried."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from harness.machine.cgroup import memory_limit_bytes
from harness.machine.reading import UnknownFactError
from results.record import Skipped
from suites.errors import SuiteError
from suites.inputs import inputs_bytes, tensor_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engines.contract import Device
    from harness.build import Built
    from harness.inspect import Inspected
    from harness.machine.reading import Tree
    from harness.plan import PlannedCase
    from suites.case import Case, OptionValue
    from suites.signature import Signature, TensorSpec

SHARE = 0.25
"""What inputs may take of the memory: they are drawn wider than they are stored, and loaded."""


def memory_bytes(tree: Tree) -> int | None:
    """Return the machine's memory, or the limit of a control group if that is lower."""
    try:
        total = int(tree.field("proc/meminfo", "MemTotal", ":").split()[0]) * 1024
    except UnknownFactError:
        return None
    with suppress(UnknownFactError):
        limit = memory_limit_bytes(tree)
        return total if limit is None else min(total, limit)
    return total


class Room:
    """Judges the cases of a plan; models' signatures have their `dims` applied."""

    def __init__(self, signatures: Mapping[str, Signature], tree: Tree) -> None:
        self._signatures = signatures
        self._bytes = memory_bytes(tree)
        self._known: dict[tuple[object, ...], Skipped | None] = {}

    def refusal(self, case: Case) -> Skipped | None:
        """Return that the case's inputs are too large, or None."""
        key = (case.model, case.batch, case.dims)
        if key not in self._known:
            self._known[key] = self._judge(case)
        return self._known[key]

    def _judge(self, case: Case) -> Skipped | None:
        wanted = inputs_bytes(self._signatures[case.model], case)
        if self._bytes is None or wanted <= SHARE * self._bytes:
            return None
        return Skipped(
            reason=f"the inputs would take {_gib(wanted)} ({wanted} bytes), more than a quarter of "
            f"this machine's {_gib(self._bytes)}; lower the batch or another dimension"
        )


def device_refusal(
    case: Case, options: Mapping[str, OptionValue], model: Inspected, device: Device
) -> Skipped | None:
    """Return that weights, inputs and outputs alone are more than the device's memory, or None."""
    wanted = model.weights_bytes + _bound_bytes(case, options, model.signature)
    return _refusal("weights, inputs and outputs", wanted, device)


def engine_refusal(
    planned: PlannedCase, built: Built, model: Inspected, device: Device
) -> Skipped | None:
    """Return that the engine and what it says it needs are more than the device's memory, or None.

    Each stream has a context of its own, and so the engine's working memory once.
    """
    working = int(built.facts.get("device_bytes", 0)) * _streams(planned.options)
    bound = _bound_bytes(planned.case, planned.options, model.signature)
    what = "the engine, its working memory, inputs and outputs"
    return _refusal(what, built.engine_bytes + working + bound, device)


def _refusal(what: str, wanted: int, device: Device) -> Skipped | None:
    if device.memory_bytes is None or wanted <= device.memory_bytes:
        return None
    name = device.name or "the device"
    return Skipped(
        reason=f"{what} would take {_gib(wanted)} ({wanted} bytes), more than the "
        f"{_gib(device.memory_bytes)} of {name}; lower the batch, another dimension or streams"
    )


def _bound_bytes(case: Case, options: Mapping[str, OptionValue], signature: Signature) -> int:
    """Return what inputs and outputs take, once a stream, as far as shapes are known."""
    outputs = sum(_output_bytes(spec, case) for spec in signature.outputs)
    return (inputs_bytes(signature, case) + outputs) * _streams(options)


def _output_bytes(spec: TensorSpec, case: Case) -> int:
    try:
        return tensor_bytes(spec, case)
    except SuiteError:  # a shape that only the run tells
        return 0


def _streams(options: Mapping[str, OptionValue]) -> int:
    return int(options.get("streams", 1))


def _gib(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
