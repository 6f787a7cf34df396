"""How much CPU time and memory the control groups of this process leave it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from harness.machine.reading import Tree, UnknownFactError, parsed

_MOUNTS_V1 = ("sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpu")
_MEMORY_MOUNT_V1 = "sys/fs/cgroup/memory"
_MOUNT_V2 = "sys/fs/cgroup"


def quota_cpus(tree: Tree) -> float | None:
    """Return the tightest CPU quota on the way up, in CPUs (1.5 = 150 % of one); None: no limit.

    Raises UnknownFactError where this process's groups cannot be read. Sources: cgroup-v1/cpu and
    cgroup-v2 in the kernel's admin guide.
    """
    group_v1, group_v2 = _groups(tree)
    quotas = [_quota_v2(tree, f"{_MOUNT_V2}{folder}") for folder in _upwards(group_v2)]
    for mount in _MOUNTS_V1:
        quotas += [_quota_v1(tree, f"{mount}{folder}") for folder in _upwards(group_v1)]
    return min((quota for quota in quotas if quota is not None), default=None)


def throttles(tree: Tree) -> int:
    """Return in how many periods a quota stopped this process's groups, since they were made.

    Raises UnknownFactError where no group on the way up counts them.
    """
    group_v1, group_v2 = _groups(tree)
    folders = [f"{_MOUNT_V2}{folder}" for folder in _upwards(group_v2)]
    folders += [f"{mount}{folder}" for mount in _MOUNTS_V1 for folder in _upwards(group_v1)]
    counts = [count for folder in folders if (count := _throttled(tree, folder)) is not None]
    if not counts:
        raise UnknownFactError("no cpu.stat of this process's groups has nr_throttled")
    return sum(counts)


def memory_limit_bytes(tree: Tree) -> int | None:
    """Return the tightest memory limit on the way up; None: no limit.

    Raises UnknownFactError where this process's groups cannot be read. Under v1 a group without
    one has a limit larger than any memory.
    """
    group_v1, group_v2 = _groups(tree, "memory")
    files = [f"{_MOUNT_V2}{folder}/memory.max" for folder in _upwards(group_v2)]
    files += [f"{_MEMORY_MOUNT_V1}{folder}/memory.limit_in_bytes" for folder in _upwards(group_v1)]
    texts = [tree.text(file) for file in files if tree.has(file)]
    return min((int(text) for text in texts if text.isdigit()), default=None)


def _throttled(tree: Tree, folder: str) -> int | None:
    if not tree.has(f"{folder}/cpu.stat"):
        return None
    for line in tree.text(f"{folder}/cpu.stat").splitlines():
        name, _, count = line.partition(" ")
        if name == "nr_throttled":
            return parsed(f"{folder}/cpu.stat", count, int, expected="a number")
    return None


def _groups(tree: Tree, controller: str = "cpu") -> tuple[str | None, str | None]:
    """Return this process's group under the v1 controller, and under v2."""
    group_v1 = group_v2 = None
    for line in tree.text("proc/self/cgroup").splitlines():
        number, controllers, path = parsed("proc/self/cgroup", line, _group, expected="a group")
        if controller in controllers.split(","):
            group_v1 = path
        elif number == "0" and not controllers:
            group_v2 = path
    return group_v1, group_v2


def _group(line: str) -> tuple[str, str, str]:
    number, controllers, path = line.split(":", 2)
    return number, controllers, path


def _upwards(group: str | None) -> Iterator[str]:
    """Yield the group's folder and those above; inside a container only the last may be there."""
    if group is None:
        return
    path = PurePosixPath(group)
    for folder in (path, *path.parents):
        yield "" if str(folder) == "/" else str(folder)


def _quota_v2(tree: Tree, folder: str) -> float | None:
    if not tree.has(f"{folder}/cpu.max"):
        return None
    file = f"{folder}/cpu.max"
    return parsed(file, tree.text(file), _max_cpus, expected="a quota and a period")


def _max_cpus(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(tree: Tree, folder: str) -> float | None:
    if not tree.has(f"{folder}/cpu.cfs_quota_us"):
        return None
    quota = tree.number(f"{folder}/cpu.cfs_quota_us")
    if quota < 0:
        return None
    file = f"{folder}/cpu.cfs_period_us"
    return parsed(file, tree.text(file), lambda text: quota / int(text), expected="a period")
