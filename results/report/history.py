"""The history of a baseline for a terminal: a row a case."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from results.nights import reading
from results.report.body import Body
from results.report.columns import Column, texts
from results.report.content import MOST_ROWS, Content
from results.report.ratios import bounds, times
from results.report.sparkline import sparkline
from results.report.tables import Table
from results.report.terminal import Report
from results.report.units import MISSING, aligned
from results.verdict import FASTER, SLOWER

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

    from results.history import Alarm, CaseHistory
    from results.nights import Nights, Reading
    from results.paired import Floats

INTERVAL_RULE = (
    "Ratios are over the first baseline of the series, ×1.030 is 3 % slower, with 95 % intervals "
    "over fresh pairs and over the splices where the baseline was rebased."
)
SHOWN_NIGHTS = 30
_STYLES = {SLOWER: "bold red", FASTER: "bold green"}
_WORD = re.compile(rf"\b(?:{SLOWER}|{FASTER})\b")
_CASE_WIDTH = 24
_ORDER = (SLOWER, FASTER, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A renderable for `Console.print`; colours stand on words only."""

    content: Content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for the width there is."""
        del console
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield the lines, tables cut to the width."""
        for line in Report(content=self.content).lines(width):
            for found in _WORD.finditer(line.plain):
                line.stylize(_STYLES[found[0]], *found.span())
            yield line


def alarm_words(alarm: Alarm) -> str:
    """Return an alarm as `SLOWER since 2026-11-03: +3.1 %`, with its end if it has one."""
    until = "" if alarm.until is None else f" until {day(alarm.until)}"
    return f"{alarm.word} since {day(alarm.since)}{until}: {_percent(alarm.log_change)}"


def overview(nights: Nights, found: Sequence[CaseHistory]) -> Content:
    """Return a row a case, those that changed first; of many cases the rest is left out."""
    words = nights.words[-1].tolist()
    places = sorted(
        range(len(found)), key=lambda place: _ORDER.index(_alarm_word(found[place], words[place]))
    )
    shown, left = places[:MOST_ROWS], len(places) - MOST_ROWS
    table = _cases(nights, [found[place] for place in shown], shown)
    remarks = [*scales(nights)]
    if left > 0:
        remarks.append(f"{left} more cases are left out; --format csv has all.")
    return framed(nights, table, (), tuple(remarks), closing(found, words))


def framed(
    nights: Nights,
    table: Table,
    heading: tuple[tuple[str, str], ...],
    remarks: tuple[str, ...],
    closing: str,
) -> Content:
    """Return the content with the table: which baseline and nights it is of comes first."""
    days = map(day, nights.started_at[[0, -1]].tolist())
    of = nights.lineage
    named = (
        ("baseline", f"{of.name} of {of.suite}, {_pins(nights)}"),
        ("nights", f"{len(nights.gates)}, {' to '.join(dict.fromkeys(days))} (UTC)"),
    )
    body = Body(
        tables=(table,),
        notes=(),
        has_numbers=True,
        remarks=remarks,
        interval_rule=INTERVAL_RULE,
    )
    return Content(heading=(*named, *heading), bodies=[body], warnings=(), closing=(closing,))


def _pins(nights: Nights) -> str:
    first, *later = (day(baseline.pinned_at) for baseline in nights.lineage.baselines)
    return f"pinned {first}" + (f", rebased {', '.join(later)}" if later else "")


def scales(nights: Nights) -> Iterator[str]:
    """Yield what to know of the scale that ratios are on."""
    if nights.lineage.cut_off:
        yield (
            "The baseline that the first one replaced is not in this store: the history begins "
            "with it."
        )
    broken = (nights.segment > 0).any(axis=0).sum()
    if broken:
        count = f"{broken} case{'s are' if broken > 1 else ' is'}"
        yield f"{count} over a later baseline than the first: no splice leads there."


def closing(found: Sequence[CaseHistory], tonight: Sequence[str]) -> str:
    """Return how many alarms stand in the cases, and what the last gate found if it was a change.

    `tonight` are the words of its verdicts.
    """
    words = [history.alarm.word for history in found if history.alarm]
    cases = f"{len(found)} case{'' if len(found) == 1 else 's'}"
    told = f"alarms stand in {len(words)} of {cases}: {_counted(words)}"
    gate = _counted(tonight)
    return (told if words else f"no alarm stands in {cases}") + (
        f"; tonight's gate: {gate}" if gate else ""
    )


def _counted(words: Sequence[str]) -> str:
    return ", ".join(f"{words.count(word)} {word}" for word in _STYLES if word in words)


def _cases(nights: Nights, found: Sequence[CaseHistory], places: Sequence[int]) -> Table:
    tonight = [reading(nights, -1, place) for place in places]
    levels = [history.log_level for history in found]
    return Table(
        title="cases",
        columns=(
            texts("case", [history.case_id for history in found], narrow=_CASE_WIDTH),
            Column(name="nights", cells=aligned([str(one.nights) for one in found]), drop=3),
            Column(name="tonight", cells=aligned([_told(one) for one in tonight])),
            Column(name="95 %", cells=aligned([interval(one) for one in tonight]), drop=2),
            Column(name="level", cells=aligned([_times(level) for level in levels]), drop=1),
            texts("alarm", [_alarm(*told) for told in zip(found, tonight, strict=True)]),
            *noted("last step", [_last_step(one) for one in found], drop=5),
            texts(
                f"last {SHOWN_NIGHTS}",
                [spark(nights, place, one) for place, one in zip(places, found, strict=True)],
                drop=4,
            ),
        ),
        states=("",) * len(found),
    )


def noted(name: str, cells: Sequence[str], *, drop: int = 0) -> tuple[Column, ...]:
    """Return a column of text, or none where there is nothing to say."""
    return (texts(name, cells, drop=drop),) if any(cells) else ()


def _alarm(history: CaseHistory, tonight: Reading) -> str:
    """Return the alarm that stands, else the change that tonight's gate found, else a dash."""
    if history.alarm:
        return alarm_words(history.alarm)
    return f"{tonight.word} tonight" if tonight.word in _STYLES else MISSING


def _alarm_word(history: CaseHistory, tonight: str) -> str:
    word = history.alarm.word if history.alarm else tonight
    return word if word in _STYLES else ""


def _last_step(history: CaseHistory) -> str:
    if not history.steps:
        return ""
    before = len(history.steps) - 1
    more = f", {before} before" if before else ""
    last = history.steps[-1]
    return f"{day(last.at)} {100 * last.change:+.1f} %{more}"


def spark(nights: Nights, place: int, history: CaseHistory) -> str:
    """Return the last nights of a case as a row of blocks."""
    values: Floats = nights.log_ratio[-SHOWN_NIGHTS:, place]
    return sparkline(values.tolist(), around=history.log_level or 0.0)


def _told(one: Reading) -> str:
    """Return the ratio, or why there is none."""
    return (one.word or MISSING) if one.ratio is None else times(one.ratio)


def _times(log_ratio: float | None) -> str:
    return MISSING if log_ratio is None else times(math.exp(log_ratio))


def interval(one: Reading) -> str:
    """Return the bounds of a ratio, or a dash."""
    return MISSING if one.low is None or one.high is None else bounds(one.low, one.high)


def _percent(log_change: float) -> str:
    return f"{100 * math.expm1(log_change):+.1f} %"


def day(epoch_s: float) -> str:
    """Return the date in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d")
