"""Settings of the kernel: memory, clocks, timers."""

from __future__ import annotations

from harness.doctor.check import check
from harness.doctor.finding import Finding, note, ok, warning
from harness.doctor.observation import Observation
from harness.machine.reading import UnknownFactError
from results.report.units import duration, size

_USUAL_SLACK_NS = 50_000
_CLOCKS = "sys/devices/system/clocksource/clocksource0"
_READ_WITHOUT_A_CALL = frozenset(
    {
        "tsc",
        "kvm-clock",
        "hyperv_clocksource_tsc_page",
        "arch_sys_counter",
        "timebase",
        "riscv_clocksource",
    }
)
_THP = "sys/kernel/mm/transparent_hugepage/enabled"


@check("timer-slack")
def timer_slack(seen: Observation) -> Finding:
    """Note by how much a sleep may end late, where it is unusual."""
    slack_ns = seen.tree.number("proc/self/timerslack_ns")
    finding = duration(slack_ns)
    if slack_ns <= _USUAL_SLACK_NS:
        return ok(finding)
    return note(
        f"{finding}, usually {duration(_USUAL_SLACK_NS)}",
        effect="Sleeps end late by as much. It matters where queries are paced.",
        remedy="Start dyno from an ordinary shell, or with TimerSlackNSec=50us in its service.",
    )


@check("swap")
def swap(seen: Observation) -> Finding:
    """Warn of pages on the move to and from swap; note those that are there."""
    total = seen.memory.known("swap_total_bytes")
    if not total:
        return ok("none")
    used = total - seen.memory.known("swap_free_bytes")
    pages = _swapped_pages(seen)
    if not used and not pages:
        return ok(f"{size(total)}, unused")
    level = warning if pages else note
    moving = f", {pages} pages moved in {seen.elapsed_s:.1f} s" if pages else ""
    return level(
        f"{size(used)} of {size(total)} used{moving}",
        effect="A query that touches a page in swap waits for the disk.",
        remedy="Free some memory, then:",
        command="sudo swapoff -a",
    )


@check("thp")
def transparent_huge_pages(seen: Observation) -> Finding:
    """Note huge pages that come without being asked for."""
    text = seen.tree.text(_THP)
    chosen = text.partition("[")[2].partition("]")[0]
    if not chosen:
        raise UnknownFactError(f"/{_THP}: expected a choice in brackets, got {text!r}")
    if chosen != "always":
        return ok(chosen)
    return note(
        chosen,
        effect="Which buffers get huge pages is luck, drawn anew by every launch.",
        remedy="Leave them to programs that ask:",
        command=f"echo madvise | sudo tee /{_THP}",
    )


@check("clocksource")
def clocksource(seen: Observation) -> Finding:
    """Warn of a clock that takes a system call to read."""
    current = seen.tree.text(f"{_CLOCKS}/current_clocksource")
    if current in _READ_WITHOUT_A_CALL:
        return ok(current)
    others = seen.tree.text(f"{_CLOCKS}/available_clocksource").split()
    better = next((name for name in others if name in _READ_WITHOUT_A_CALL), None)
    remedy = "Read it without one:" if better else "Ask the admin why the kernel gave up on tsc:"
    switch = f"echo {better} | sudo tee /{_CLOCKS}/current_clocksource"
    return warning(
        current,
        effect="Reading the clock takes a system call, and every query's time contains one.",
        remedy=remedy,
        command=switch if better else "sudo dmesg | grep -i -e tsc -e clocksource",
    )


def _swapped_pages(seen: Observation) -> int:
    """Return the pages that went to swap or came back between the samples; 0 if not counted."""
    try:
        return int(seen.grown("swapped_pages"))
    except UnknownFactError:
        return 0
