"""A pair of a case as often as it takes: again where a side fails, with a new engine if need be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.paired.pair import SideError
from results.paired import BASELINE, PairRecord
from results.record import Failed

if TYPE_CHECKING:
    from harness.build import Built
    from harness.paired.side import Side

ATTEMPTS = 2
"""A pair in which a side fails is made once more, of fresh processes: neighbours kill, too."""


@dataclass(slots=True, kw_only=True)
class Sides:
    """The sides of a case as they are now; `notes` tell what went wrong and was made good."""

    baseline: Side
    candidate: Side
    notes: list[str] = field(default_factory=list)

    def take(self, built: Built, *, key: str) -> None:
        """Go on with a new engine on each side that has the one of this key."""
        self.baseline, self.candidate = (
            replace(side, ready=replace(side.ready, built=built))
            if side.ready.built.key == key
            else side
            for side in (self.baseline, self.candidate)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """Makes pairs. `cases` are the sides of all cases, which may share engines.

    `pair` is `run_pair`; `rebuild` returns a side whose engine its runtime refused, built anew, or
    why it cannot be; `rebuilt` takes the keys of such engines.
    """

    pair: Callable[..., PairRecord]
    rebuild: Callable[[Side], Side | Failed]
    cases: Collection[Sides]
    rebuilt: set[str]

    def make(self, sides: Sides, phase: str, number: int) -> PairRecord | Failed:
        """Return the pair, tried twice, or what one of its sides failed of.

        An attempt that only showed that an engine must be built anew does not count.
        """
        failures: list[Failed] = []
        while len(failures) < ATTEMPTS:
            try:
                return self.pair(sides.baseline, sides.candidate, phase=phase, number=number)
            except SideError as error:
                if not error.error.stale:
                    failures.append(error.outcome)
                    sides.notes.append(f"a pair was made again: {error}")
                elif gone := self._replace(sides, error):
                    return gone
        return failures[-1]

    def _replace(self, sides: Sides, refused: SideError) -> Failed | None:
        """Have an engine built anew, once, for all cases that share it; return why not, or None."""
        side = sides.baseline if refused.role == BASELINE else sides.candidate
        key = side.ready.built.key
        if key in self.rebuilt:
            return refused.outcome
        self.rebuilt.add(key)
        sides.notes.append(f"an engine was built again: {refused}")
        made = self.rebuild(side)
        if isinstance(made, Failed):
            return made
        for case in self.cases:
            case.take(made.ready.built, key=key)
        return None
