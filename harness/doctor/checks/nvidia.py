"""NVIDIA GPUs: who shares them, and what holds their clocks."""

from __future__ import annotations

from typing import Any

from harness.doctor.check import check, gpu_check
from harness.doctor.finding import Finding, note, ok, warning
from harness.doctor.observation import Observation
from harness.machine.reading import Facts, UnknownFactError
from results.report.wording import one_line

_DRIVER = ("proc/driver/nvidia/version", "dev/nvidiactl")
_NO_FEATURE = "Not Supported"
_SLOWDOWNS = {
    "hw_slowdown": "hardware slowdown",
    "sw_thermal_slowdown": "software thermal slowdown",
    "hw_thermal_slowdown": "hardware thermal slowdown",
    "hw_power_brake_slowdown": "power brake",
}
_LIMITS = {
    "applications_clocks_setting": "application clocks",
    "sw_power_cap": "power cap",
    "sync_boost": "sync boost",
    "board_limit": "board limit",
    "reliability": "reliability limit",
}
"""Being idle and a display's clocks are no limits."""


@check("gpu")
def gpu(seen: Observation) -> Finding:
    """Tell which GPUs are there, or that a driver is there and NVML is not."""
    if seen.gpus:
        names = (facts.values["name"] or "an unknown GPU" for facts in seen.gpus)
        return ok(", ".join(dict.fromkeys(names)))
    if any(seen.tree.has(path) for path in _DRIVER):
        raise UnknownFactError(seen.no_gpus or "the driver is there, but NVML shows no device")
    return ok("no NVIDIA driver here")


@gpu_check("gpu-processes")
def processes(gpu: Facts, seen: Observation) -> Finding:
    """Warn of processes that are not dyno's."""
    foreign = [pid for pid in gpu.known("compute_pids") if pid not in seen.family]
    if not foreign:
        return ok("none")
    named = ", ".join(_named(pid, seen) for pid in foreign)
    return warning(
        f"{named} compute on it" if len(foreign) > 1 else f"{named} computes on it",
        effect="They take turns with dyno's queries and share memory, power and clock.",
        remedy="Stop them, or wait until they end:",
        command="nvidia-smi",
    )


@gpu_check("gpu-persistence")
def persistence(gpu: Facts, _: Observation) -> Finding:
    """Warn of a driver that lets go of the GPU between two launches."""
    if gpu.known("persistence"):
        return ok("on")
    return warning(
        "off",
        effect="A launch may have to initialise the GPU (1–3 s), and clock settings are lost.",
        remedy="Keep the driver loaded:",
        command="sudo nvidia-smi -pm 1",
    )


@gpu_check("gpu-ecc")
def ecc(gpu: Facts, _: Observation) -> Finding:
    """Note error correction: it costs something where memory has no bits for it."""
    on = _feature(gpu, "ecc")
    if on is None:
        return ok("not supported by this GPU")
    later = gpu.known("ecc_after_reboot")
    if not on and not later:
        return ok("off")
    change = "" if on == later else f", {'on' if later else 'off'} after the next reboot"
    return note(
        f"{'on' if on else 'off'}{change}",
        effect="On GDDR memory it costs space and bandwidth: compare with the same setting only.",
        remedy="To switch it off at the next reboot:",
        command="sudo nvidia-smi -e 0",
    )


@gpu_check("gpu-power-cap")
def power_cap(gpu: Facts, _: Observation) -> Finding:
    """Warn of a cap below the default."""
    cap, default = gpu.known("power_cap_watts"), gpu.known("default_power_cap_watts")
    if cap >= default:
        return ok(f"{cap:g} W")
    return warning(
        f"{cap:g} W, by default {default:g} W",
        effect="The clock drops once a query draws more: large batches suffer most.",
        remedy="Restore the default:",
        command=f"sudo nvidia-smi -pl {default:g}",
    )


@gpu_check("gpu-mig")
def mig(gpu: Facts, _: Observation) -> Finding:
    """Warn that a query gets a part of the GPU."""
    if not _feature(gpu, "mig"):
        return ok("off")
    return warning(
        "on",
        effect="Queries run on a part of the GPU, and other parts share its power and its link.",
        remedy="Compare with the same part only, or use the whole:",
        command="sudo nvidia-smi -mig 0",
    )


@gpu_check("gpu-throttle")
def throttle(gpu: Facts, _: Observation) -> Finding:
    """Warn of a clock that heat or power holds down; note one held by a setting."""
    reasons = gpu.known("clock_reasons")
    slowdowns = [told for reason, told in _SLOWDOWNS.items() if reason in reasons]
    limits = [told for reason, told in _LIMITS.items() if reason in reasons]
    if not slowdowns and not limits:
        return ok("none")
    finding = ", ".join([*slowdowns, *limits])
    heat = gpu.values["temperature_c"]
    told = f"{finding} at {heat} °C" if slowdowns and heat is not None else finding
    level = warning if slowdowns else note
    halved = " A hardware slowdown halves it at least." if slowdowns else ""
    return level(
        told,
        effect=f"The core clock is below the one that the GPU could hold.{halved}",
        remedy="Ask for better cooling or power." if slowdowns else "See which limit is set:",
        command="nvidia-smi -q -d PERFORMANCE,CLOCK,POWER,TEMPERATURE",
    )


def _feature(gpu: Facts, name: str) -> Any:
    """Return whether the feature is on, None on a GPU without it. Raises UnknownFactError."""
    if gpu.unknown.get(name, "").endswith(_NO_FEATURE):
        return None
    return gpu.known(name)


def _named(pid: int, seen: Observation) -> str:
    process = seen.after.processes.get(pid)
    return f"{one_line(process.name)} (pid {pid})" if process else f"pid {pid}"
