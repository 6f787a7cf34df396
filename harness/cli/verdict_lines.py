"""Progress of a gate on stderr: a line a case, and on a terminal a display of two lines below.

They write only when the gate calls them, which is between pairs: no thread redraws while a side
computes.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.cli.streams import tell
from results.report.units import duration
from results.report.verdict_words import label, measured, told, verdict_line
from results.report.wording import one_line
from results.verdict import SAME, UNSURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.live import Live

    from harness.paired.observer import GateObserver
    from results.verdict import CaseVerdict, Estimate

BAR_WIDTH = 24


@contextmanager
def make_gate_observer() -> Iterator[GateObserver]:
    """Yield the observer that fits stderr."""
    if not sys.stderr.isatty():
        yield VerdictLines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield VerdictDisplay(live)


class VerdictLines:
    """A line when pairs begin, when a case rests or is closed, and when changes are confirmed."""

    def __init__(self) -> None:
        self._cases = 0
        self._closed = 0
        self._same: set[str] = set()

    def waiting(self, reason: str) -> None:
        """Print whom the gate waits for."""
        self._print(one_line(reason))

    def preparing(self, what: str, done: int, total: int) -> None:
        """Print nothing."""

    def started(self, what: str, total: int, *, estimate_s: float) -> None:
        """Print what begins."""
        self._cases = total
        cases = f"{total} case{'' if total == 1 else 's'}"
        time = f"about {duration(estimate_s * 1e9)}" if estimate_s > 0 else "none to be measured"
        self._print(f"{one_line(what)}: {cases}, {time}")

    def settled(self, cases: Sequence[CaseVerdict]) -> None:
        """Print each distinct story once, with whose it is."""
        groups: dict[tuple[str, str], list[str]] = {}
        for case in cases:
            groups.setdefault((label(case), told(case)), []).append(one_line(case.case_id))
        for (ended, why), ids in groups.items():
            self._closed += len(ids)
            more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
            self._print(f"{self._count()} {ended}  {ids[0]}{more}  {why}")

    def pairing(self, case_id: str, *, phase: str, number: int, of: int, left_s: float) -> None:
        """Print nothing."""

    def rested(self, case_id: str, word: str | None, estimate: Estimate | None) -> None:
        """Print what a look found: SAME and UNSURE stay, a change has yet to be confirmed."""
        known = measured(estimate) if estimate else "no ratio yet"
        if word == SAME:
            self._same.add(case_id)
            self._closed += 1
            self._print(f"{self._count()} {word}  {one_line(case_id)}  {known}")
            return
        found = f"{'is' if word == UNSURE else 'looks'} {word}" if word else "goes on"
        self._print(f"{self._count()} {one_line(case_id)}  {known}, {found}")

    def confirming(self, cases: int) -> None:
        """Print that changes are measured again."""
        changes = f"{cases} change{'' if cases == 1 else 's'}"
        self._print(f"{changes} to be confirmed by fresh pairs")

    def closed(self, case: CaseVerdict) -> None:
        """Print the case's verdict, but for one that was told when it rested."""
        if case.case_id in self._same and label(case) == SAME:
            return
        self._closed += case.case_id not in self._same
        self._print(f"{self._count()} {verdict_line(case)}")

    def _count(self) -> str:
        return f"[{self._closed}/{self._cases}]"

    def _print(self, line: str) -> None:
        tell(line)


class VerdictDisplay(VerdictLines):
    """The lines, and below them a bar of the time and the case whose pair is next."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live
        self._longest_s = 0.0
        self._known: dict[str, str] = {}

    def preparing(self, what: str, done: int, total: int) -> None:
        """Show how many are done."""
        self._draw(f"preparing {what}: {done} of {total}")

    def started(self, what: str, total: int, *, estimate_s: float) -> None:
        """Print what begins."""
        super().started(what, total, estimate_s=estimate_s)
        self._longest_s = estimate_s

    def pairing(self, case_id: str, *, phase: str, number: int, of: int, left_s: float) -> None:
        """Show the next pair, what is known of its case, and the time left."""
        self._longest_s = max(self._longest_s, left_s)
        pair = f"{'confirming ' if phase == 'confirm' else ''}pair {number + 1} of {of}"
        known = self._known.get(case_id)
        left = f"about {duration(left_s * 1e9)} left"
        self._draw(
            f"{self._bar(left_s)} {self._closed}/{self._cases} cases · {left}",
            f"{one_line(case_id)}  {pair}{f' · {known}' if known else ''}",
        )

    def rested(self, case_id: str, word: str | None, estimate: Estimate | None) -> None:
        """Remember and print what a look found."""
        super().rested(case_id, word, estimate)
        if estimate:
            self._known[case_id] = measured(estimate)

    def _bar(self, left_s: float) -> str:
        done = 1 - left_s / self._longest_s if self._longest_s > 0 else 0.0
        filled = round(BAR_WIDTH * done)
        return "━" * filled + "╌" * (BAR_WIDTH - filled)

    def _draw(self, *lines: str) -> None:
        from rich.text import Text

        self._live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    def _print(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False, soft_wrap=True)
