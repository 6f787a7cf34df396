"""The CPU: what it is, how many of its cores count, and at what speed they may run."""

from __future__ import annotations

from harness.machine.cgroup import quota_cpus
from harness.machine.reading import Facts, Tree, UnknownFactError, agreed, collect, parsed, ranges

_CPUS = "sys/devices/system/cpu"
_SAMPLED_CPUS = 16
_CPUINFO_BYTES = 64 * 1024


def read_cpu(tree: Tree) -> Facts:
    """Return the CPU's facts; frequencies are MHz, `quota_cpus` None where there is no limit."""
    return collect(
        {
            "model": lambda: _model(tree),
            "vendor": lambda: _info(tree, "vendor_id"),
            "microcode": lambda: _info(tree, "microcode"),
            "sockets": lambda: len(_distinct(tree, "topology/physical_package_id")),
            "cores": lambda: len(_distinct(tree, "topology/thread_siblings_list")),
            "threads_per_core": lambda: _threads_per_core(tree),
            "online_cpus": lambda: len(_online(tree)),
            "usable_cpus": lambda: list(usable_cpus(tree)),
            "quota_cpus": lambda: quota_cpus(tree),
            "governor": lambda: _policy(tree, "scaling_governor"),
            "driver": lambda: _policy(tree, "scaling_driver"),
            "min_mhz": lambda: min(_limits(tree, "cpuinfo_min_freq")),
            "max_mhz": lambda: max(_limits(tree, "cpuinfo_max_freq")),
            "current_mhz": lambda: current_mhz(tree),
            "turbo": lambda: _turbo(tree),
            "virtualised": lambda: "hypervisor" in _info(tree, "flags").split(),
            "platform": lambda: _platform(tree),
        }
    )


def usable_cpus(tree: Tree) -> tuple[int, ...]:
    """Return the CPUs that this process may run on. Raises UnknownFactError."""
    path = "proc/self/status"
    return _ranges(path, tree.field(path, "Cpus_allowed_list", ":"))


def current_mhz(tree: Tree) -> list[float]:
    """Return the frequency of up to 16 usable CPUs now [MHz]. Raises UnknownFactError.

    Without cpufreq it is what /proc/cpuinfo says, in most virtual machines a constant.
    """
    cpus = usable_cpus(tree)[:_SAMPLED_CPUS]
    if tree.has(f"{_CPUS}/cpu{cpus[0]}/cpufreq/scaling_cur_freq"):
        return [_mhz(tree, f"cpu{cpu}/cpufreq/scaling_cur_freq") for cpu in cpus]
    said = _cpuinfo_mhz(tree)
    found = [said[cpu] for cpu in cpus if cpu in said]
    if not found:
        raise UnknownFactError("no cpufreq, and no 'cpu MHz' in /proc/cpuinfo")
    return found


def _cpuinfo_mhz(tree: Tree) -> dict[int, float]:
    by_cpu: dict[int, float] = {}
    cpu = -1
    # The last line may be cut off; in a whole file it is never the one wanted.
    for line in tree.text("proc/cpuinfo", limit_bytes=_CPUINFO_BYTES).splitlines()[:-1]:
        name, _, value = line.partition(":")
        if name.strip() == "processor":
            cpu = parsed("proc/cpuinfo", value, int, expected="a number")
        elif name.strip() == "cpu MHz":
            by_cpu[cpu] = parsed("proc/cpuinfo", value, float, expected="a number")
    return by_cpu


def _info(tree: Tree, name: str) -> str:
    return tree.field("proc/cpuinfo", name, ":", limit_bytes=_CPUINFO_BYTES)


def _model(tree: Tree) -> str:
    for name in ("model name", "Model", "cpu"):
        try:
            return _info(tree, name)
        except UnknownFactError:
            continue
    return f"implementer {_info(tree, 'CPU implementer')} part {_info(tree, 'CPU part')}"


def _online(tree: Tree) -> tuple[int, ...]:
    return _ranges(f"{_CPUS}/online", tree.text(f"{_CPUS}/online"))


def _ranges(path: str, text: str) -> tuple[int, ...]:
    """Return the CPUs of a kernel list. Raises UnknownFactError where it has none."""
    numbers = parsed(path, text, ranges, expected="numbers of CPUs")
    if not numbers:
        raise UnknownFactError(f"/{path}: expected numbers of CPUs, got none")
    return numbers


def _distinct(tree: Tree, file: str) -> set[str]:
    return {tree.text(f"{_CPUS}/cpu{cpu}/{file}") for cpu in _online(tree)}


def _threads_per_core(tree: Tree) -> int:
    siblings = _distinct(tree, "topology/thread_siblings_list")
    return max(
        len(_ranges(f"{_CPUS}/cpu*/topology/thread_siblings_list", cpus)) for cpus in siblings
    )


def _policy(tree: Tree, file: str) -> str:
    return agreed([tree.text(f"{_CPUS}/cpu{cpu}/cpufreq/{file}") for cpu in usable_cpus(tree)])


def _limits(tree: Tree, file: str) -> list[float]:
    return [_mhz(tree, f"cpu{cpu}/cpufreq/{file}") for cpu in usable_cpus(tree)]


def _mhz(tree: Tree, path: str) -> float:
    return tree.number(f"{_CPUS}/{path}") / 1000  # the kernel counts kHz


def _turbo(tree: Tree) -> bool:
    """Return whether the CPU may exceed its nominal frequency."""
    if tree.has(f"{_CPUS}/intel_pstate/no_turbo"):
        return tree.number(f"{_CPUS}/intel_pstate/no_turbo") == 0
    return tree.number(f"{_CPUS}/cpufreq/boost") == 1


def _platform(tree: Tree) -> str:
    vendor = tree.text("sys/class/dmi/id/sys_vendor")
    return f"{vendor} {tree.text('sys/class/dmi/id/product_name')}"
