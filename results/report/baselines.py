"""The list of baselines, and one of them with its cases, for a terminal."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from results.report.units import MISSING, significant, size
from results.report.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from results.baseline import Baseline, PinnedCase

_HASH_SHOWN = 12
_INTERPRETER = "(waits for its first gate)"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineList:
    """A renderable: a row a baseline, in the order given."""

    baselines: Sequence[Baseline]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or a sentence where there is none; long cells fold."""
        del console, options
        if not self.baselines:
            yield Text("no baselines yet. Pin one with: dyno baseline pin NAME SUITE --python PY")
            return
        table = _table()
        for name in ("name", "suite", "pinned (UTC)", "cases", "versions"):
            number = name == "cases"
            table.add_column(
                name,
                no_wrap=number or name.startswith("pinned"),
                justify="right" if number else "left",
                overflow="fold",
            )
        for one in self.baselines:
            cases = str(len(one.cases)) if one.suite else MISSING
            row = (one.name, one.suite or _INTERPRETER, _date(one), cases, versions(one))
            table.add_row(*(Text(one_line(cell)) for cell in row))
        yield table


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSheet:
    """A renderable: all that is pinned in a baseline; `size_bytes` is what its files take."""

    baseline: Baseline
    size_bytes: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the facts, the cases, and what was left out."""
        del console, options
        facts = Table.grid(padding=(0, 2))
        facts.add_column(no_wrap=True)
        facts.add_column(overflow="fold")
        for name, value in self._facts():
            facts.add_row(Text(name, style="dim"), Text(one_line(value)))
        yield facts
        if self.baseline.cases:
            yield Text()
            yield self._cases()
        if self.baseline.left_out:
            yield Text()
            for reason, count in Counter(self.baseline.left_out.values()).items():
                cases = f"{count} case{'' if count == 1 else 's'}"
                yield Text(f"left out: {cases}: {one_line(reason)}")

    def _facts(self) -> Iterator[tuple[str, str]]:
        one = self.baseline
        yield "baseline", f"{one.name} ({one.id})"
        yield "suite", one.suite or _INTERPRETER
        yield "pinned", f"{_date(one)} UTC, by dyno {one.dyno_version}"
        if one.replaces:
            yield "replaces", one.replaces
        yield "python", one.python
        yield "versions", versions(one)
        yield from one.devices.items()
        if one.suite:
            yield "on disk", size(self.size_bytes)

    def _cases(self) -> Table:
        cases = self.baseline.cases
        spliced = any(case.splice for case in cases)
        table = _table()
        table.add_column("case", overflow="fold")
        for name in ("model", "inputs", *(["× before"] if spliced else [])):
            table.add_column(name, no_wrap=True)
        for case in cases:
            shown = (case.case.id, *_hashes(case), *([_splice(case)] if spliced else []))
            table.add_row(*(Text(one_line(cell)) for cell in shown))
        return table


def versions(baseline: Baseline) -> str:
    """Return what is installed beside the interpreter, as `numpy 2.4.6, onnxruntime 1.30.0, …`."""
    return ", ".join(f"{name} {told}" for name, told in baseline.versions.items())


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _date(baseline: Baseline) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(baseline.pinned_at))


def _hashes(case: PinnedCase) -> tuple[str, str]:
    return case.model_sha256[:_HASH_SHOWN], case.inputs_sha256[:_HASH_SHOWN]


def _splice(case: PinnedCase) -> str:
    """Return the case's time on this baseline over that on the one before."""
    return MISSING if case.splice is None else significant(math.exp(case.splice.log_ratio), 4)
