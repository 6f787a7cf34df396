"""Making sides ready: engines built where each side lives, the files of a baseline found."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.paired.side import Side
from harness.plan import PlannedCase
from harness.staging import Ready
from results.record import Failed, Skipped

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from harness.baseline.restore import Restorer
    from harness.build import Builder
    from harness.launch import Workplace
    from harness.staging import Staging, Supplies
    from results.baseline import PinnedCase
    from results.record import Outcome


_ELSEWHERE = "Mend that here, or exclude the case and pin again with 'dyno baseline rebase'."


def named(role: str, failed: Failed) -> Failed:
    """Return the failure, its message saying which side it is of."""
    return replace(failed, message=f"{role}: {failed.message}")


def refused(role: str, outcome: Outcome, *, hint: str = _ELSEWHERE) -> Failed:
    """Return what a case that is to be judged failed of, though it could not be tried.

    A baseline that measured it and a candidate that skips it is no pass.
    """
    if isinstance(outcome, Failed):
        return named(role, outcome)
    reason = outcome.reason if isinstance(outcome, Skipped) else "it was not tried"
    return Failed(kind="environment", message=f"{role}: skipped: {reason}", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the sides of one role are made ready."""

    role: str
    builder: Builder
    workplace: Workplace

    def staged(self, staging: Staging, supplies: Supplies) -> Generator[tuple[str, Side | Failed]]:
        """Yield the cases of a plan by id, ready or with what they failed of."""
        with closing(staging.build(supplies)) as building:
            for record, result in building:
                if isinstance(result, Ready):
                    yield record.id, self._side(result)
                else:
                    yield record.id, refused(self.role, result)

    def restored(
        self, cases: Iterable[PinnedCase], restorer: Restorer
    ) -> Generator[tuple[str, Side | Failed]]:
        """Yield the pinned cases by id, their files checked and their engines built."""
        waiting, supplies = [], {}
        for pinned in cases:
            found = restorer.restore(pinned)
            if isinstance(found, Failed):
                yield pinned.case.id, found
                continue
            prepared, inputs = found
            supplies[pinned.position] = pinned.case.id, inputs
            waiting.append((_planned(pinned), prepared))
        with closing(self.builder.build_all(waiting)) as building:
            for planned, prepared, built in building:
                case_id, inputs = supplies[planned.position]
                if isinstance(built, Failed):
                    yield case_id, named(self.role, built)
                    continue
                ready = Ready(
                    planned=planned, own=prepared, prepared=prepared, built=built, inputs=inputs
                )
                yield case_id, self._side(ready)

    def rebuild(self, side: Side) -> Side | Failed:
        """Return the side with its engine built anew, which its runtime refused."""
        built = self.builder.rebuild(side.ready.planned, side.ready.prepared)
        if isinstance(built, Failed):
            return named(self.role, built)
        return self._side(replace(side.ready, built=built))

    def _side(self, ready: Ready) -> Side:
        return Side(role=self.role, ready=ready, workplace=self.workplace)


def _planned(pinned: PinnedCase) -> PlannedCase:
    """Return the case with every option given: a default of today is not what was pinned."""
    case = replace(pinned.case, options=tuple(pinned.options.items()))
    return PlannedCase(position=pinned.position, case=case, options=pinned.options, outcome=None)
