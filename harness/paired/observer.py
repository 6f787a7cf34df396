"""What a gate tells whoever watches: called between pairs only, never while a side computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from results.verdict import CaseVerdict, Estimate


class GateObserver(Protocol):
    """Watches a gate, or another comparison of pairs."""

    def waiting(self, reason: str) -> None:
        """Take note that the gate waits for another dyno to leave a device."""

    def preparing(self, what: str, done: int, total: int) -> None:
        """Take note that models or engines are made: `done` of `total` are made or have failed."""

    def started(self, what: str, total: int, *, estimate_s: float) -> None:
        """Take note that pairs begin: `what` names it, `total` are its cases, settled ones too."""

    def settled(self, cases: Sequence[CaseVerdict]) -> None:
        """Take note of the cases that were decided without a pair, if any."""

    def pairing(self, case_id: str, *, phase: str, number: int, of: int, left_s: float) -> None:
        """Take note of the next pair, `number` from 0, `of` those until the next look.

        `left_s` is a guess of the time until the end, if no case needs another look.
        """

    def rested(self, case_id: str, word: str | None, estimate: Estimate | None) -> None:
        """Take note of what a look says of a case; None is that it goes on to the next.

        SLOWER and FASTER are not final: the family-wise rule and fresh pairs come after.
        """

    def confirming(self, cases: int) -> None:
        """Take note that changes are now measured again with fresh pairs."""

    def closed(self, case: CaseVerdict) -> None:
        """Take note of the final verdict of a case that had pairs, or of what it failed of."""


class Silent:
    """An observer that does nothing."""

    def waiting(self, reason: str) -> None:
        """Do nothing."""

    def preparing(self, what: str, done: int, total: int) -> None:
        """Do nothing."""

    def started(self, what: str, total: int, *, estimate_s: float) -> None:
        """Do nothing."""

    def settled(self, cases: Sequence[CaseVerdict]) -> None:
        """Do nothing."""

    def pairing(self, case_id: str, *, phase: str, number: int, of: int, left_s: float) -> None:
        """Do nothing."""

    def rested(self, case_id: str, word: str | None, estimate: Estimate | None) -> None:
        """Do nothing."""

    def confirming(self, cases: int) -> None:
        """Do nothing."""

    def closed(self, case: CaseVerdict) -> None:
        """Do nothing."""
