"""Checking the answers of all cases before any is timed: on the host side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from engines import registry
from harness.accuracy.answers import Question, run_accuracy, wants_parity
from harness.accuracy.gate import violations
from harness.child import ChildError, child_pool
from results.accuracy import AccuracyRecord
from results.record import Failed
from suites.datasets.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from harness.launch import Workplace
    from harness.plan import Plan
    from harness.staging import Ready
    from suites.suite import AccuracyLimits, Gate

_HINT = "Exclude the case, choose another precision, or loosen gate.accuracy."


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Asks the cases of a plan for their answers."""

    plan: Plan
    workplace: Workplace

    def check_all(
        self, ready: Sequence[Ready]
    ) -> Generator[tuple[Ready, AccuracyRecord | ChildError | None]]:
        """Yield each case with what its answers are worth, why it has none, or None: none asked.

        Those of the host's cases are asked side by side, those of devices one by one.
        """
        on_host = [entry for entry in ready if self._kind(entry) == "cpu"]
        with child_pool() as pool:
            yield from zip(on_host, pool.map(self.check, on_host), strict=True)
        for entry in ready:
            if self._kind(entry) != "cpu":
                yield entry, self.check(entry)

    def check(self, ready: Ready) -> AccuracyRecord | ChildError | None:
        """Return what the case's answers are worth, why it has none, or None: none asked."""
        question = self._question(ready)
        reason = ready.samples if isinstance(ready.samples, str) else ""
        if not (question.labelled or question.parity or reason):
            return None
        try:
            record = run_accuracy(ready, self.workplace, question)
        except ChildError as error:
            return error
        return replace(record, skipped={**record.skipped, "setup": reason}) if reason else record

    def _question(self, ready: Ready) -> Question:
        case = ready.planned.case
        return Question(
            own=ready.own,
            signature=self.plan.models[case.model].signature,
            samples=ready.samples if isinstance(ready.samples, Samples) else None,
            parity=wants_parity(case, ready.own.precision, registry.get(case.backend)),
        )

    def _kind(self, ready: Ready) -> str:
        return registry.get(ready.planned.case.backend).device


def judged(record: AccuracyRecord | None, gate: Gate, precision: str) -> Failed | None:
    """Return that the answers miss the gate of their precision, or None."""
    missed = violations(record, limits_of(gate, precision)) if record else ()
    return Failed(kind="accuracy", message="; ".join(missed), hint=_HINT) if missed else None


def limits_of(gate: Gate, precision: str) -> AccuracyLimits:
    """Return the limits of a precision: its own where it has some, else those of all."""
    own = dict(gate.by_precision).get(precision)
    if own is None:
        return gate.accuracy
    given = {each.name: getattr(own, each.name) for each in fields(own)}
    return replace(gate.accuracy, **{name: v for name, v in given.items() if v is not None})
