"""What the machine is doing besides: load, stolen time, pressure, memory."""

from __future__ import annotations

from typing import Any

from harness.machine.cgroup import throttles
from harness.machine.cpu import current_mhz
from harness.machine.reading import Facts, Tree, UnknownFactError, collect, parsed


def read_activity(tree: Tree) -> Facts:
    """Return load, pressure and counters since boot; shares are fractions (0.02 = 2 %)."""
    return collect(
        {
            "load1": lambda: _load(tree, 0),
            "load5": lambda: _load(tree, 1),
            "load15": lambda: _load(tree, 2),
            "procs_running": lambda: _counter(tree, "procs_running"),
            "steal_share": lambda: _steal_share(tree),
            "context_switches": lambda: _counter(tree, "ctxt"),
            "uptime_s": lambda: column_of(tree, "proc/uptime"),
            "psi_cpu_avg10": lambda: _pressure(tree, "cpu"),
            "psi_memory_avg10": lambda: _pressure(tree, "memory"),
            "psi_io_avg10": lambda: _pressure(tree, "io"),
        }
    )


def read_memory(tree: Tree) -> Facts:
    """Return the sizes of memory and swap [bytes]."""
    return collect(
        {
            "total_bytes": lambda: _memory(tree, "MemTotal"),
            "available_bytes": lambda: _memory(tree, "MemAvailable"),
            "swap_total_bytes": lambda: _memory(tree, "SwapTotal"),
            "swap_free_bytes": lambda: _memory(tree, "SwapFree"),
        }
    )


def read_covariates(tree: Tree) -> dict[str, Any]:
    """Return what is read around every launch, None where unknown.

    Ticks are 1/100 s summed over all CPUs since boot: the share stolen between two readings is the
    difference of `steal_ticks` over that of `cpu_ticks`. `mhz` is of up to 16 usable CPUs.
    """
    return collect(
        {
            "load1": lambda: _load(tree, 0),
            "procs_running": lambda: _counter(tree, "procs_running"),
            "steal_ticks": lambda: _cpu_ticks(tree)[7],
            "cpu_ticks": lambda: sum(_cpu_ticks(tree)),
            "mhz": lambda: current_mhz(tree),
            "psi_cpu_avg10": lambda: _pressure(tree, "cpu"),
        }
    ).values


def read_counters(tree: Tree) -> Facts:
    """Return what only grows; the difference of two readings says what happened between them.

    Ticks are 1/100 s summed over all CPUs, `idle_ticks` those in which a CPU had nothing to do.
    """
    return collect(
        {
            "uptime_s": lambda: column_of(tree, "proc/uptime"),
            "cpu_ticks": lambda: sum(_cpu_ticks(tree)),
            "idle_ticks": lambda: sum(_cpu_ticks(tree)[3:5]),
            "steal_ticks": lambda: _cpu_ticks(tree)[7],
            "throttles": lambda: throttles(tree),
            "swapped_pages": lambda: _swapped_pages(tree),
        }
    )


def column_of(tree: Tree, path: str, column: int = 0) -> float:
    """Return the number in a column of `/path`. Raises UnknownFactError."""
    text = tree.text(path)
    return parsed(path, text, lambda text: float(text.split()[column]), expected="numbers")


def _load(tree: Tree, column: int) -> float:
    return column_of(tree, "proc/loadavg", column)


def _counter(tree: Tree, name: str) -> int:
    return parsed("proc/stat", tree.field("proc/stat", name, " "), int, expected="a number")


def _cpu_ticks(tree: Tree) -> list[int]:
    """Return user, nice, system, idle, iowait, irq, softirq and steal (guests are within user)."""
    text = tree.field("proc/stat", "cpu", " ")
    ticks = parsed("proc/stat", text, _whole_numbers, expected="ticks")[:8]
    if len(ticks) < 8:
        raise UnknownFactError("/proc/stat: no steal column")
    return ticks


def _whole_numbers(text: str) -> list[int]:
    return [int(number) for number in text.split()]


def _steal_share(tree: Tree) -> float:
    ticks = _cpu_ticks(tree)
    if not any(ticks):
        raise UnknownFactError("/proc/stat: no ticks are counted here")
    return ticks[7] / sum(ticks)


def _pressure(tree: Tree, resource: str) -> float:
    """Return the share of the last 10 s in which something waited for the resource."""
    path = f"proc/pressure/{resource}"
    return parsed(path, tree.field(path, "some", " "), _avg10, expected="avg10=")


def _avg10(some: str) -> float:
    return float(some.split(maxsplit=1)[0].removeprefix("avg10=")) / 100


def _swapped_pages(tree: Tree) -> int:
    counts = [tree.field("proc/vmstat", name, " ") for name in ("pswpin", "pswpout")]
    return sum(parsed("proc/vmstat", count, int, expected="a number") for count in counts)


def _memory(tree: Tree, name: str) -> int:
    kibibytes = tree.field("proc/meminfo", name, ":").removesuffix("kB")
    return parsed("proc/meminfo", kibibytes, int, expected="a number") * 1024
