"""`dyno history`: how the cases of a suite have fared against a baseline, night by night."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.opening import open_store
from harness.cli.options import DEFAULT_STORE, StoreOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from results.history import CaseHistory
    from results.nights import Nights
    from results.report.content import Content


class Format(StrEnum):
    """The forms a history can take."""

    RICH = "rich"
    JSON = "json"
    CSV = "csv"


def command(
    case: Annotated[
        str | None,
        typer.Argument(help="Id of a case, to see it night by night; all cases if left out."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="NAME",
            help="Name of the baseline; may be left out where there is one only.",
            show_default=False,
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(
            "--suite",
            help="Suite of the baseline; may be left out where it is pinned for one only.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="rich for a terminal, the others for programs.")
    ] = Format.RICH,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print the trend against a baseline, with alarms and steps."""
    from results.history import judge
    from results.nights import nights

    found = nights(open_store(store), name=baseline, suite=suite, case=case)
    judged = judge(found)
    if form is Format.RICH:
        _draw(_content(found, judged, case))
    else:
        sys.stdout.writelines(_data(found, judged, case, form))


def _content(nights: Nights, judged: Sequence[CaseHistory], case: str | None) -> Content:
    from results.report.history import overview
    from results.report.trend import trend

    return overview(nights, judged) if case is None else trend(nights, 0, judged[0])


def _draw(content: Content) -> None:
    from rich.console import Console

    from results.report.history import History

    console = Console()
    for line in History(content=content).lines(console.width):
        console.print(line, soft_wrap=True)


def _data(
    nights: Nights, judged: Sequence[CaseHistory], case: str | None, form: Format
) -> Iterator[str]:
    from results.report.history_data import case_lines, json_parts, night_lines

    if form is Format.JSON:
        return json_parts(nights, judged)
    return case_lines(nights, judged) if case is None else night_lines(nights, 0)
