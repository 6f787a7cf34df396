"""What two sides must have in common to be compared, and what else differs between them; pure.

`dyno gate` compares a case with itself, so nothing may differ that moves a time by itself. `dyno
compare` is asked what such a difference costs: only the clock, the device and the transfers must
agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.paired import BASELINE, CANDIDATE

if TYPE_CHECKING:
    from results.record import Protocol

_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a side was measured under.

    `device` identifies it (the UUID of a GPU, the model of a CPU), `precision` is the one asked
    for, `effective_precision` the one that ran, None where the engine does not say.
    """

    protocol: Protocol
    device: str
    inputs_sha256: str
    precision: str
    effective_precision: str | None


def _of_protocol(name: str) -> Callable[[Terms], object]:
    return lambda terms: getattr(terms.protocol, name)


_SHARED: dict[str, Callable[[Terms], object]] = {
    "clock": _of_protocol("clock"),
    "device": lambda terms: terms.device,
    "transfers": _of_protocol("transfers"),
}
"""What even sides that are to differ must share."""
_OTHERS: dict[str, Callable[[Terms], object]] = {
    "inputs": lambda terms: terms.inputs_sha256[:_HASH_DIGITS],
    "precision": lambda terms: terms.precision,
    "effective precision": lambda terms: terms.effective_precision,
    **{
        name: _of_protocol(name)
        for name in (
            "loop",
            "streams",
            "queue_depth",
            "cuda_graph",
            "sync",
            "l2",
            "block_s",
            "block_queries",
            "warmup_s",
            "warmup_queries",
            "warmup_cap_s",
        )
    },
}
"""The rest that moves a time; how long a launch or a case may take does not concern a pair."""


def gate_difference(baseline: Terms, candidate: Terms) -> str | None:
    """Return why a case cannot be gated, naming each field that differs, or None."""
    return _refusal(baseline, candidate, {**_SHARED, **_OTHERS})


def compare_difference(baseline: Terms, candidate: Terms) -> str | None:
    """Return why two cases cannot be compared at all, or None."""
    return _refusal(baseline, candidate, _SHARED)


def differences(baseline: Terms, candidate: Terms) -> tuple[str, ...]:
    """Return what else differs, as `precision: 'fp32' against 'int8'`."""
    return tuple(
        f"{name}: {one!r} against {other!r}"
        for name, one, other in _differing(baseline, candidate, _OTHERS)
    )


def spinning_pool(baseline: Mapping[str, object], candidate: Mapping[str, object]) -> str | None:
    """Return why sides with these options cannot take turns, or None.

    A pool of threads that spins after its last query takes the CPUs of the other side's block.
    """
    found = [
        f"spinning with {options['threads']} threads on the {role}"
        for role, options in ((BASELINE, baseline), (CANDIDATE, candidate))
        if options.get("spinning") and options.get("threads") != 1
    ]
    if not found:
        return None
    return (
        f"expected no idle pool that spins in the other side's blocks, got {' and '.join(found)}. "
        "Take spinning: false, or threads: 1"
    )


def _refusal(
    baseline: Terms, candidate: Terms, fields: dict[str, Callable[[Terms], object]]
) -> str | None:
    found = [
        f"{name}, got {one!r} on the baseline and {other!r} on the candidate"
        for name, one, other in _differing(baseline, candidate, fields)
    ]
    return f"expected equal {'; equal '.join(found)}" if found else None


def _differing(
    baseline: Terms, candidate: Terms, fields: dict[str, Callable[[Terms], object]]
) -> Iterator[tuple[str, object, object]]:
    for name, read in fields.items():
        one, other = read(baseline), read(candidate)
        if one != other:
            yield name, one, other
