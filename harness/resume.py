"""Going on with a run that did not end: which one, and whether it is still the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.environment import identity
from results.record import Failed, Skipped

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.prepare.inputs import Inputs
    from harness.prepare.models import Prepared
    from harness.prepare.variants import Variant
    from results.record import CaseRecord, RunOverview, RunRecord, RunResult, RunResume
    from results.store import Store

NEWEST = ""
_SHOWN = 5
_AFRESH = "Start a new run without --resume, or undo that."


class ResumeError(Exception):
    """The run cannot be resumed. One line: what was expected, what was found, what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What earlier attempts of a run left: its cases by position, and which of them are closed."""

    resume: RunResume
    records: Mapping[int, CaseRecord]
    closed: frozenset[int]


def find(store: Store, text: str, *, suite: str) -> str:
    """Return the id of the run that `text` means; NEWEST is the suite's newest unfinished one.

    Raises ResumeError, StoreError.
    """
    if text != NEWEST:
        return store.find_run(text)
    for overview in store.runs():
        if overview.record.suite == suite and _is_unfinished(overview):
            return overview.record.id
    raise ResumeError(
        f"{store.folder}: expected an unfinished run of suite {suite!r}, got none. "
        "Start a run without --resume."
    )


def used_device(store: Store, text: str, *, suite: str) -> str:
    """Return the UUID of the CUDA device of the run that `text` means, "" where it used none.

    Raises ResumeError, StoreError.
    """
    return _device_uuid(store.read_run(find(store, text, suite=suite)).record)


def check(run: RunResult, fresh: RunRecord, plan: Plan) -> None:
    """Raise ResumeError unless the run would start now as it did; `fresh` is how it would."""
    record = run.record
    if run.end is not None and run.end.state == "done":
        raise ResumeError(
            f"run {record.id}: expected an unfinished run, got one that is done. "
            "Start a new one without --resume."
        )
    found = list(_differences(run, fresh, plan))
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ResumeError(
            f"run {record.id}: expected what it was started with, got other: "
            f"{'; '.join(found[:_SHOWN])}{more}. {_AFRESH}"
        )


def remaining(plan: Plan, run: RunResult) -> Plan:
    """Return the plan with the outcomes of the cases that the run has closed already."""
    closed = {case.record.position: case.outcome for case in run.cases if case.outcome is not None}
    cases = tuple(
        replace(case, outcome=closed.get(case.position, case.outcome)) for case in plan.cases
    )
    left = sum(case.outcome is None for case in cases) / max(len(plan.runnable), 1)
    return replace(plan, cases=cases, estimate_s=plan.estimate_s * left)


def check_models(
    earlier: Mapping[int, CaseRecord], prepared: Mapping[Variant, Prepared | Failed]
) -> None:
    """Raise ResumeError where a model's bytes are not those that the run's cases have."""
    for record in earlier.values():
        model = prepared.get((record.case.model, record.case.precision))
        now = getattr(model, "sha256", None)
        if now is not None and record.model_sha256 not in (None, now):
            raise ResumeError(
                f"model {record.case.model!r}: expected the bytes that {record.id} has, got "
                f"others: sha256 {record.model_sha256[:12]} then, {now[:12]} now. {_AFRESH}"
            )


def check_inputs(earlier: Mapping[int, CaseRecord], inputs: Mapping[int, Inputs]) -> None:
    """Raise ResumeError where the inputs of a case are not those that it had."""
    for position, found in inputs.items():
        then = earlier[position].inputs_sha256 if position in earlier else None
        if then not in (None, found.sha256):
            raise ResumeError(
                f"{earlier[position].id}: expected the inputs that it had, got others: sha256 "
                f"{then[:12]} then, {found.sha256[:12]} now. {_AFRESH}"
            )


def _is_unfinished(overview: RunOverview) -> bool:
    return overview.end is None or overview.end.state != "done"


def _differences(run: RunResult, fresh: RunRecord, plan: Plan) -> Iterator[str]:
    record = run.record
    if record.suite != fresh.suite:
        yield f"suite {record.suite!r} then, {fresh.suite!r} now"
    elif record.suite_sha256 != fresh.suite_sha256:
        yield f"suite {record.suite!r} has changed"
    if fresh.name not in (record.name, fresh.suite):
        yield f"--name {record.name!r} then, {fresh.name!r} now"
    if set(record.only.split(",")) != set(fresh.only.split(",")):
        yield f"--only {record.only or 'nothing'!r} then, {fresh.only or 'nothing'!r} now"
    yield from _changed("measure.", record.measure, fresh.measure)
    if (then := _device_uuid(record)) != (now := _device_uuid(fresh)):
        yield f"--device {then!r} then, {now!r} now"
    yield from _changed("", identity(record.environment), identity(fresh.environment))
    yield from _moved(run, plan)


def _device_uuid(record: RunRecord) -> str:
    return str((record.environment.get("device") or {}).get("uuid", ""))


def _moved(run: RunResult, plan: Plan) -> Iterator[str]:
    """Yield the first case that is none of the plan's now, or that is no longer to be tried."""
    planned = {case.position: case for case in plan.cases}
    for case in run.cases:
        now = planned.get(case.record.position)
        if now is None or now.case.id != case.record.id:
            yield f"the cases, such as {case.record.id}"
            return
        if case.outcome is None and isinstance(now.outcome, Skipped | Failed):
            reason = getattr(now.outcome, "reason", "") or getattr(now.outcome, "message", "")
            yield f"{case.record.id} was tried then, cannot be now ({reason})"
            return


def _changed(prefix: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*then, *now)):
        if then.get(name) != now.get(name):
            yield f"{prefix}{name} {then.get(name)!r} then, {now.get(name)!r} now"
