"""The findings for a terminal or a pipe of any width, drawn by rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text

from harness.doctor.diagnosis import totals
from harness.doctor.finding import Finding, Level

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_GAP = 2
_STYLES = {
    Level.WARNING: "bold yellow",
    Level.NOTE: "bold",
    Level.OK: "green",
    Level.UNKNOWN: "dim",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A renderable for `Console.print(crop=False)`: the findings as given, then the totals."""

    findings: Sequence[Finding]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts; a command stays on one line, whatever the width."""
        del console
        names = max((len(finding.id) for finding in self.findings), default=0)
        levels = max(map(len, Level))
        for finding in self.findings:
            yield _head(finding, levels=levels, names=names, width=options.max_width)
            yield from _body(finding, indent=levels + _GAP, width=options.max_width)
        yield Text(f"\n{totals(self.findings)}", style="bold")


def _head(finding: Finding, *, levels: int, names: int, width: int) -> Text:
    first = f"{finding.level.ljust(levels + _GAP)}{finding.id.ljust(names + _GAP)}"
    text = Text(_wrapped(finding.finding, width, first=first, rest=" " * len(first)))
    text.stylize(_STYLES[finding.level], 0, len(finding.level))
    return text


def _body(finding: Finding, *, indent: int, width: int) -> Iterator[Text]:
    prose = " ".join(filter(None, (finding.effect, finding.remedy)))
    if prose:
        yield Text(_wrapped(prose, width, first=" " * indent, rest=" " * indent))
    if finding.command:
        command = f"{' ' * (indent + _GAP)}{finding.command}"
        yield Text(command, style="bold", no_wrap=True, overflow="ignore")
    if prose or finding.command:
        yield Text()


def _wrapped(text: str, width: int, *, first: str, rest: str) -> str:
    lines = wrap(
        text,
        width=max(width, len(rest) + 1),
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
    )
    return "\n".join(lines)
