"""The table of what the measured cases computed and moved per second, beside the machine's best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from results.report.asides import Aside, state
from results.report.columns import Column, known
from results.report.identity import case_numbers
from results.report.tables import Table, identified
from results.report.units import BYTE_RATES, FLOP_RATES, FLOPS, INTENSITY, PERCENT
from results.report.wording import one_line, sentence

if TYPE_CHECKING:
    from results.record import CaseResult
    from results.summary import Summary, Work
    from results.work import Ceilings

SUBTITLE = (
    "operations of the model as it came, bytes that its prepared graph reads and writes: fewer "
    "where the runtime fuses, more where it ran in a wider type"
)
NO_CEILING = (
    "none in this run. For the share of what this machine reaches, add models of the built-ins "
    "matmul-peak (computing) and copy-peak (memory), by the same backend, precision and options."
)
_BEYOND = {
    "compute": "more operations a second than the model that is their ceiling, which reached less "
    "than this machine can: by its size, or in a worse moment.",
    "memory": "moves less than its graph says, by fusion, or out of caches that the ceiling's "
    "model is too large for.",
}


def working(shown: Sequence[tuple[CaseResult, Summary]], ceilings: Ceilings) -> Table | None:
    """Return the table of the cases whose graph's cost is known; None where none is."""
    found = [(case, summary) for case, summary in shown if summary.work is not None]
    if not found:
        return None
    cases = [case for case, _ in found]
    identity, shared = identified(cases)
    shares = {
        "compute": [ceilings.compute_share(case, summary) for case, summary in found],
        "memory": [ceilings.memory_share(case, summary) for case, summary in found],
    }
    return Table(
        title="work",
        subtitle="; ".join(filter(None, (shared, SUBTITLE))),
        columns=(
            *identity,
            *_figures([summary.work for _, summary in found if summary.work]),
            *_shares(shares),
        ),
        states=tuple(map(state, cases)),
        asides=(
            *_without_ceiling(shares),
            *_beyond(cases, shares),
            *_uncounted(cases),
            *_unknown([case for case, _ in shown]),
        ),
    )


def _figures(found: Sequence[Work]) -> tuple[Column, ...]:
    return (
        *known("a query", [work.flops for work in found], FLOPS, drop=2),
        *known("computes", [work.flops_per_s for work in found], FLOP_RATES),
        *known("moves", [work.bytes_per_s for work in found], BYTE_RATES),
        *known("intensity", [work.flops_per_byte for work in found], INTENSITY, drop=1),
    )


def _shares(shares: Mapping[str, Sequence[float | None]]) -> Iterator[Column]:
    for name, values in shares.items():
        yield from known(f"of {name}", [v and 100 * v for v in values], PERCENT)


def _without_ceiling(shares: Mapping[str, Sequence[float | None]]) -> Iterator[Aside]:
    if all(share is None for values in shares.values() for share in values):
        yield Aside(state="measured", head="Ceilings:", text=NO_CEILING)


def _beyond(
    cases: Sequence[CaseResult], shares: Mapping[str, Sequence[float | None]]
) -> Iterator[Aside]:
    """Yield why cases are above a ceiling; the one that set it rounds to it."""
    for name, values in shares.items():
        above = [
            case.record.position
            for case, share in zip(cases, values, strict=True)
            if share is not None and share > 1
        ]
        if above:
            head = f"{case_numbers(above)} above the {name} ceiling:"
            yield Aside(state="measured", head=head, text=_BEYOND[name])


def _uncounted(cases: Sequence[CaseResult]) -> Iterator[Aside]:
    groups: dict[str, list[int]] = {}
    for case in cases:
        uncounted = case.record.cost.uncounted if case.record.cost else {}
        if uncounted:
            listed = ", ".join(f"{count} × {one_line(op)}" for op, count in uncounted.items())
            groups.setdefault(listed, []).append(case.record.position)
    for listed, positions in groups.items():
        head = f"{case_numbers(positions)} at least:"
        yield Aside(state="measured", head=head, text=f"the operations of {listed} are not known.")


def _unknown(cases: Sequence[CaseResult]) -> Iterator[Aside]:
    groups: dict[str, list[int]] = {}
    for case in cases:
        if reason := case.record.facts.get("cost_unknown"):
            groups.setdefault(sentence(str(reason)), []).append(case.record.position)
    for reason, positions in groups.items():
        yield Aside(state="measured", head=f"{case_numbers(positions)} not counted:", text=reason)
