"""A gate as GitHub shows it: annotations of a job, and the summary of its step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from results.report.markdown import inline, parts
from results.report.verdict_words import FAILED, label, ordered, told, word
from results.report.verdicts import GateFrame, content
from results.report.wording import one_line
from results.verdict import FASTER, INCOMPARABLE, SAME, SLOWER, UNSURE

if TYPE_CHECKING:
    from results.gate_record import GateResult

LEVELS = {
    SLOWER: "error",
    FAILED: "error",
    UNSURE: "warning",
    INCOMPARABLE: "warning",
    FASTER: "notice",
}
"""A case without a verdict is a warning: it is not red by itself, and must not pass for green."""
MOST_A_LEVEL = 10
"""GitHub drops what a step has more of."""
MOST_ROWS = 1000
MOST_BYTES = 1_000_000
"""Of a step's summary, which GitHub refuses above 1 MiB; with long messages fewer rows fit."""


def workflow_commands(result: GateResult, alarms: Sequence[str] = ()) -> list[str]:
    """Return the annotations, a line each, what asks for the most attention first.

    Where a level has more than GitHub shows, the last one counts the rest.
    """
    found = [("error", "history alarm", text) for text in alarms]
    found += [
        (LEVELS[word(case)], f"{label(case)} {case.case_id}", told(case))
        for case in ordered(result.cases)
        if word(case) != SAME
    ]
    return list(_limited(found))


def step_summary(result: GateResult, frame: GateFrame) -> str:
    """Return markdown: the gate's report under a headline; of a huge gate its first rows."""
    record = result.record
    told_above = frame.conclusion or "verdicts"
    headline = f"dyno {record.kind} {record.suite}: {told_above}"
    most = min(MOST_ROWS, len(result.cases))
    while True:
        made = content(result, replace(frame, conclusion=""), most=most)
        text = f"## {inline(headline)}\n\n{''.join(parts(made))}"
        if most == 0 or len(text.encode()) <= MOST_BYTES:
            return text
        most //= 2


def _limited(found: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    totals = Counter(level for level, _, _ in found)
    told_of: Counter[str] = Counter()
    for level, title, text in found:
        told_of[level] += 1
        left = totals[level] - MOST_A_LEVEL + 1
        if told_of[level] < MOST_A_LEVEL or left == 1:
            yield _command(level, title, text)
        elif told_of[level] == MOST_A_LEVEL:
            yield _command(level, f"{left} more", "The step's summary has them all.")


def _command(level: str, title: str, text: str) -> str:
    return f"::{level} title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """Return the text as the message of a workflow command, whose toolkit escapes it so."""
    return one_line(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
