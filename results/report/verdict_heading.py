"""The lines above a gate's verdicts: which gate, against which baseline, by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from results.report.heading import moment
from results.totals import state_word

if TYPE_CHECKING:
    from results.baseline import Baseline
    from results.gate_record import Changes, GateRecord, GateResult

RULE = (
    "a change is told from {threshold} on, where Benjamini–Hochberg keeps it at 1 % over all "
    "cases and as many fresh pairs confirm it"
)
_NAMED = 3
"""Ids that a summary of changes names; the cases' own lines have the rest."""


def heading(result: GateResult, machine: str) -> tuple[tuple[str, str], ...]:
    """Return the labelled lines; `machine` is the candidate's, in one line."""
    record = result.record
    only = f", only {record.only}" if record.only else ""
    state = f"{moment(record.started_at)}, {state_word(result.end, live=False)}"
    lines = {
        record.kind: record.id,
        "suite": f"{record.suite}{only}",
        "when": f"{state}, dyno {record.dyno_version}",
        "baseline": _baseline(result.baseline),
        "versions": version_text(result),
        "machine": machine,
        "changes": change_text(record.changes),
        "rule": RULE.format(threshold=f"{100 * record.threshold:g} %"),
    }
    return tuple((name, text) for name, text in lines.items() if text)


def version_text(result: GateResult) -> str:
    """Return what the baseline runs on where that differs from here, else that it does not."""
    there, here = result.baseline.versions, versions_here(result.record)
    if not there:
        return ""
    differing = [
        f"{name} {version} → {here.get(name, 'none')}"
        for name, version in there.items()
        if here.get(name) != version
    ]
    if differing:
        return f"baseline → here: {', '.join(differing)}"
    return f"the same on both sides: {', '.join(f'{n} {v}' for n, v in there.items())}"


def versions_here(record: GateRecord) -> Mapping[str, Any]:
    """Return the candidate's version of Python and of each package that is known of it."""
    python = record.environment.get("python", {}).get("version")
    return {
        **({"python": python} if python else {}),
        **record.environment.get("packages", {}),
    }


def change_text(changes: Changes) -> str:
    """Return how the suite differs from what was pinned, or nothing."""
    changed = [f"{name} ({what})" for name, what in changes.changed.items()]
    parts = (("new", changes.new), ("gone", changes.gone), ("changed", changed))
    told = [f"{len(ids)} {name}: {_some(ids)}" for name, ids in parts if ids]
    return f"since the pin {'; '.join(told)}" if told else ""


def _baseline(baseline: Baseline) -> str:
    return f"{baseline.name}, pinned {moment(baseline.pinned_at)}, {baseline.python}"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(_cut(ids))


def _cut(ids: Sequence[str]) -> Iterator[str]:
    yield from ids[:_NAMED]
    if len(ids) > _NAMED:
        yield f"{len(ids) - _NAMED} more"
