"""Who else uses the CPUs: this machine's processes, and other machines on the same host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.doctor.check import check
from harness.doctor.finding import Finding, note, ok, warning
from harness.doctor.observation import Observation, Usage
from harness.machine.activity import column_of
from harness.machine.reading import UnknownFactError
from results.report.units import fraction
from results.report.wording import one_line
from results.rules import UNDISTURBED_CPU

_BUSY_SHARE = 0.5
_STIRRING_SHARE = 0.1
_HEAVY_CPUS = 0.1
_HEAVY_SHARE = 0.05
"""Processes that take less of all CPUs together leave dyno a quiet one."""
_NAMED = 3
_WAITING_WORDS = {
    "OMP_WAIT_POLICY": ("active",),
    "KMP_LIBRARY": ("turnaround",),
}
_WAITING_COUNTS = ("KMP_BLOCKTIME", "GOMP_SPINCOUNT")


@check("load")
def load(seen: Observation) -> Finding:
    """Warn of CPUs that somebody uses, be it a process that cannot be seen from here."""
    cpus = seen.cpu.known("online_cpus")
    ticks = _ticks(seen)
    busy = (ticks - seen.grown("idle_ticks") - seen.grown("steal_ticks")) / ticks
    average = column_of(seen.tree, "proc/loadavg")
    finding = f"{busy * cpus:.1f} of {cpus} CPUs busy, load average {average:g}"
    if busy < _STIRRING_SHARE and average < cpus:
        return ok(finding)
    level = warning if busy >= _BUSY_SHARE else note
    return level(
        finding,
        effect="Queries wait for a CPU: two threads on two shared ones spread launches by 21–31 %.",
        remedy="Measure while the machine is idle, or on one of your own.",
    )


@check("steal")
def steal(seen: Observation) -> Finding:
    """Warn of time that the host gave to another machine."""
    now = seen.grown("steal_ticks") / _ticks(seen)
    since_boot = _stolen_of_wanted(seen)
    finding = f"{fraction(now)} now, {fraction(since_boot)} since boot"
    if not _disturbs(now) and not _disturbs(since_boot):
        return ok(finding)
    level = warning if _disturbs(now) else note
    return level(
        finding,
        effect="The host runs other machines on these CPUs: queries stop meanwhile.",
        remedy="Ask for a host whose CPUs are not shared, and for no burstable kind.",
    )


@check("heavy-processes")
def heavy_processes(seen: Observation) -> Finding:
    """Warn of other programs that are busy now."""
    heavy = [usage for usage in seen.others() if usage.cpus >= _HEAVY_CPUS]
    if not heavy:
        return ok("none")
    share = sum(usage.cpus for usage in heavy) / seen.cpu.known("online_cpus")
    level = warning if share >= _HEAVY_SHARE else note
    return level(
        _listed([f"{_who(usage)} {usage.cpus:.1f} CPUs" for usage in heavy]),
        effect="Queries wait for the CPU, or run with less cache and a lower clock.",
        remedy="Stop them, or wait until they end:",
        command=_show(heavy),
    )


@check("spinning-threads")
def spinning_threads(seen: Observation) -> Finding:
    """Warn of pools whose threads wait by spinning, dyno's own or those of others."""
    variables = tuple(_spinning(seen.variables))
    try:
        pools = [usage for usage in seen.others() if usage.busy_threads > 1]
    except UnknownFactError:
        if not variables:
            raise
        pools = []
    if not variables and not pools:
        return ok("none")
    threads = [f"{_who(pool)} has {pool.busy_threads} busy threads" for pool in pools]
    unset = f"unset {' '.join(name for name, _ in variables)}"
    look = "See whether these threads compute or only wait:"
    return warning(
        _listed([*(f"{name}={one_line(value)}" for name, value in variables), *threads]),
        effect="A pool that spins keeps its CPUs although it has nothing to do.",
        remedy=look if pools else "Let dyno's own pools sleep:",
        command="; ".join([*([unset] if variables else []), *([_show(pools)] if pools else [])]),
    )


def _ticks(seen: Observation) -> float:
    """Return the ticks of all CPUs between the samples. Raises UnknownFactError without any."""
    ticks = seen.grown("cpu_ticks")
    if ticks <= 0:
        raise UnknownFactError("/proc/stat: no ticks are counted here")
    return ticks


def _stolen_of_wanted(seen: Observation) -> float:
    """Return the share of the CPU time wanted since boot that was not given."""
    counters = seen.after.counters
    wanted = counters.known("cpu_ticks") - counters.known("idle_ticks")
    stolen: float = counters.known("steal_ticks")
    return stolen / wanted if wanted else 0.0


def _disturbs(stolen: float) -> bool:
    return 1 - stolen <= UNDISTURBED_CPU


def _spinning(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that make the thread pools of OpenMP wait by spinning.

    Sources: OpenMP 5.2, 21.7; the manuals of libgomp and of LLVM's runtime.
    """
    for name, words in _WAITING_WORDS.items():
        if variables.get(name, "").lower() in words:
            yield name, variables[name]
    for name in _WAITING_COUNTS:
        if variables.get(name, "0") not in ("0", ""):
            yield name, variables[name]


def _who(usage: Usage) -> str:
    return f"{one_line(usage.name)} (pid {usage.pid})"


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return ", ".join([*texts[:_NAMED], *([f"{more} more"] if more > 0 else [])])


def _show(usages: Sequence[Usage]) -> str:
    return f"ps -fp {','.join(str(usage.pid) for usage in usages[:_NAMED])}"
