"""The CPU's clock, and how much of the CPU dyno gets."""

from __future__ import annotations

from harness.doctor.check import check
from harness.doctor.finding import Finding, note, ok, warning
from harness.doctor.observation import Observation
from harness.machine.reading import UnknownFactError

_CPUS = "sys/devices/system/cpu"


@check("governor")
def governor(seen: Observation) -> Finding:
    """Warn of a clock that follows the load: it is slow after every pause."""
    found = _clock_fact(seen, "governor")
    if found == "performance":
        return ok("performance")
    finding = f"{found} (driver {seen.cpu.values['driver'] or 'unknown'})"
    if found == "userspace":
        return note(
            finding,
            effect="The clock is fixed by hand: numbers hold for that clock only.",
            remedy="For the clock that users get:",
            command=_SET_GOVERNOR,
        )
    return warning(
        finding,
        effect=(
            "The clock drops in pauses and climbs again: queries paced with sleeps took 27–100 % "
            "longer."
        ),
        remedy="Let the clock stay up:",
        command=_SET_GOVERNOR,
    )


@check("turbo")
def turbo(seen: Observation) -> Finding:
    """Note a clock above the nominal one: it is lent only."""
    if not _clock_fact(seen, "turbo"):
        return ok("off")
    top = seen.cpu.values["max_mhz"]
    intel = seen.tree.has(f"{_CPUS}/intel_pstate/no_turbo")
    return note(
        f"on, up to {top:g} MHz" if top else "on",
        effect="The clock depends on heat and on how many cores are busy: times drift.",
        remedy="For steady numbers instead of the fastest:",
        command=f"echo {1 if intel else 0} | sudo tee /{_CPUS}/"
        + ("intel_pstate/no_turbo" if intel else "cpufreq/boost"),
    )


@check("smt")
def smt(seen: Observation) -> Finding:
    """Note CPUs that are threads of one core: they are not two."""
    usable = seen.cpu.known("usable_cpus")
    siblings = "topology/thread_siblings_list"
    cores = {seen.tree.text(f"{_CPUS}/cpu{cpu}/{siblings}") for cpu in usable}
    if len(cores) < len(usable):
        return note(
            f"{len(usable)} CPUs are threads of {_count(len(cores), 'core')}",
            effect="A query slows down while the other thread of its core is busy.",
            remedy="Switch the second threads off, or give dyno one CPU a core with taskset:",
            command=f"echo off | sudo tee /{_CPUS}/smt/control",
        )
    if seen.cpu.known("threads_per_core") > 1:
        return ok("dyno may use one thread of each core")
    told = "one thread a core"
    return ok(f"{told}, as far as the host tells" if seen.cpu.values["virtualised"] else told)


@check("quota")
def quota(seen: Observation) -> Finding:
    """Warn of a control group that may use up its time: it stands still then."""
    cpus = seen.cpu.known("quota_cpus")
    if cpus is None:
        return ok("none")
    usable = len(seen.cpu.known("usable_cpus"))
    finding = f"{_count(cpus, 'CPU')} on {usable} usable"
    stopped, stops = _throttles(seen)
    if cpus >= usable and not stops:
        return ok(finding)
    return warning(
        f"{finding}, used up in {_count(stopped, 'period')} so far" if stopped else finding,
        effect="Once it is used up, all threads stand still until its period ends: slow tails.",
        remedy="Ask for CPUs of your own in place of a quota (docker: --cpuset-cpus, not --cpus).",
    )


_SET_GOVERNOR = "sudo cpupower frequency-set -g performance"


def _clock_fact(seen: Observation, name: str) -> object:
    try:
        return seen.cpu.known(name)
    except UnknownFactError as error:
        if seen.cpu.values["virtualised"]:
            raise UnknownFactError("set by the host, which does not tell this machine") from error
        raise


def _throttles(seen: Observation) -> tuple[int, int]:
    """Return the stopped periods so far, and those between the samples; 0 where not counted."""
    try:
        return seen.after.counters.known("throttles"), int(seen.grown("throttles"))
    except UnknownFactError:
        return 0, 0


def _count(number: float, thing: str) -> str:
    return f"{number:g} {thing}{'' if number == 1 else 's'}"
