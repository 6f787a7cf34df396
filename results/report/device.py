"""The table of what the device's own clock and its telemetry say of the cases that ran on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from results.report.asides import Aside, state
from results.report.columns import Column, Read, Rows, numbers, texts
from results.report.identity import case_numbers
from results.report.tables import Table
from results.report.units import (
    BYTES,
    CELSIUS,
    ENERGY,
    MEGAHERTZ,
    PERCENT,
    WATTS,
    Scale,
    significant,
)
from results.report.wording import sentence

if TYPE_CHECKING:
    from results.record import CaseResult
    from results.summary import DeviceTimes, Summary, Utilization

NARROWEST_ID = 18
"""Ids are folded to so many characters before a column is left out."""
_WORDS = {
    "telemetry": "telemetry",
    "samples": "telemetry",
    "sm_percent": "util",
    "memory_percent": "mem ctrl",
    "memory_used_bytes": "memory",
    "process_memory_bytes": "process",
    "watts": "power",
    "idle_watts": "idle",
    "energy_joules": "energy",
    "energy_queries": "energy",
    "sm_mhz": "SM clock",
    "memory_mhz": "memory clock",
    "temperature_c": "temp",
    "pcie_rx_bytes_per_s": "PCIe",
    "pcie_tx_bytes_per_s": "PCIe",
    "clock_reasons": "clock reasons",
    "other_processes": "other processes",
}
"""What a reading that is missing is called; where it has a column, as that is."""


def on_device(
    shown: Sequence[tuple[CaseResult, Summary]], marks: Mapping[int, str]
) -> Table | None:
    """Return the table of the cases that have any number of a device; None where none has."""
    found = [pair for pair in shown if _has_numbers(pair[1])]
    if not found:
        return None
    cases, summaries = zip(*found, strict=True)
    rows = Rows(cases=cases, found=summaries, compete=False)
    names = texts("case", [case.record.id for case in cases], narrow=NARROWEST_ID)
    notes = [marks.get(case.record.position, "") for case in cases]
    return Table(
        title="on the device",
        subtitle=_subtitle(summaries),
        columns=(
            numbers(cases),
            names,
            *_times(rows),
            *_readings(rows),
            *((texts("notes", notes),) if any(notes) else ()),
        ),
        states=tuple(map(state, cases)),
        asides=_unknown(found),
    )


def _has_numbers(summary: Summary) -> bool:
    device = summary.device
    return summary.utilization is not None or any(
        value is not None for value in (device.enqueue_ns, device.gpu_compute_ns)
    )


def _subtitle(summaries: Sequence[Summary]) -> str:
    times = "medians over queries, host latency is H2D + GPU + D2H"
    if all(summary.utilization is None for summary in summaries):
        return times
    return (
        f"{times}; then of a telemetry pass: means, the most memory and °C, the median clock; "
        f"energy is the whole device's{_idle(summaries)}"
    )


def _idle(summaries: Sequence[Summary]) -> str:
    """Return the power before the queries: one value, or more where the run was resumed."""
    told = [summary.utilization.idle_watts for summary in summaries if summary.utilization]
    watts = sorted({significant(value) for value in told if value is not None}, key=float)
    return f", idle {'–'.join(dict.fromkeys((watts[0], watts[-1])))} W" if watts else ""


def _times(rows: Rows) -> tuple[Column, ...]:
    """Return the columns of times that some case has, all in one unit."""
    reads = {name: (_of_device(read), drop) for name, (read, drop) in _TIMES.items()}
    present = {name: entry for name, entry in reads.items() if rows.has(entry[0])}
    span = rows.span([read for read, _ in present.values()])
    return tuple(
        rows.column(name, read, span=span, drop=drop) for name, (read, drop) in present.items()
    )


def _readings(rows: Rows) -> tuple[Column, ...]:
    """Return the columns of telemetry that some case has."""
    return tuple(
        rows.column(name, _of_telemetry(read), scale, drop=drop)
        for name, (read, scale, drop) in _READINGS.items()
        if rows.has(_of_telemetry(read))
    )


def _unknown(shown: Sequence[tuple[CaseResult, Summary]]) -> tuple[Aside, ...]:
    """Return the lines that say what could not be read, or not always, and why; each once."""
    groups: dict[tuple[str, str], list[int]] = {}
    for case, summary in shown:
        reasons: dict[str, dict[str, None]] = {}
        for name, reason in (summary.utilization.unknown if summary.utilization else {}).items():
            word = _WORDS.get(name, name.replace("_", " "))
            reasons.setdefault(reason, {})[word] = None
        for reason, words in reasons.items():
            groups.setdefault((", ".join(words), reason), []).append(case.record.position)
    return tuple(
        Aside(
            state="measured",
            head=f"{case_numbers(positions)} {words} not read:",
            text=sentence(why),
        )
        for (words, why), positions in groups.items()
    )


def _of_device(read: Callable[[DeviceTimes], float | None]) -> Read:
    return lambda summary: read(summary.device)


def _of_telemetry(read: Callable[[Utilization], float | None]) -> Read:
    return lambda summary: None if summary.utilization is None else read(summary.utilization)


_TIMES: Mapping[str, tuple[Callable[[DeviceTimes], float | None], int]] = {
    "GPU": (lambda device: device.gpu_compute_ns, 0),
    "enqueue": (lambda device: device.enqueue_ns, 4),
    "H2D": (lambda device: device.h2d_ns, 6),
    "D2H": (lambda device: device.d2h_ns, 7),
    "host": (lambda device: device.host_latency_ns, 5),
}
_READINGS: Mapping[str, tuple[Callable[[Utilization], float | None], Scale, int]] = {
    "util": (lambda told: told.sm_percent, PERCENT, 1),
    "mem ctrl": (lambda told: told.memory_percent, PERCENT, 12),
    "memory": (lambda told: told.memory_used_bytes, BYTES, 8),
    "process": (lambda told: told.process_memory_bytes, BYTES, 13),
    "power": (lambda told: told.watts, WATTS, 2),
    "energy": (lambda told: told.joules_per_sample, ENERGY, 3),
    "SM clock": (lambda told: told.sm_mhz, MEGAHERTZ, 9),
    "temp": (lambda told: told.temperature_c, CELSIUS, 10),
}
"""Columns with what a narrow terminal does without, the greatest number first."""
