import pytest

from harness.machine.cgroup import quota_cpus
from harness.machine.reading import Tree, UnknownFactError


@pytest.fixture
def machine(tmp_path):
    def write(files):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return Tree(root=tmp_path)

    return write


def test_a_v1_quota_counts_in_periods(machine):
    tree = machine(
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n1:name=systemd:/",
            "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
        }
    )
    assert quota_cpus(tree) == 2.5


def test_a_container_finds_its_v1_quota_at_the_mount(machine):
    tree = machine(
        {
            "proc/self/cgroup": "4:cpu:/docker/abc",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        }
    )
    assert quota_cpus(tree) == 0.5


def test_the_tightest_quota_on_the_way_up_counts(machine):
    tree = machine(
        {
            "proc/self/cgroup": "0::/pod/worker",
            "sys/fs/cgroup/pod/worker/cpu.max": "400000 100000",
            "sys/fs/cgroup/pod/cpu.max": "300000 100000",
            "sys/fs/cgroup/cpu.max": "max 100000",
        }
    )
    assert quota_cpus(tree) == 3.0


def test_no_quota_is_none(machine):
    assert quota_cpus(machine({"proc/self/cgroup": "0::/"})) is None


def test_unreadable_groups_are_unknown_rather_than_unlimited(tmp_path):
    message = r"^/proc/self/cgroup: No such file or directory$"
    with pytest.raises(UnknownFactError, match=message):
        quota_cpus(Tree(root=tmp_path))


def test_a_quota_that_is_no_number_is_unknown(machine):
    tree = machine(
        {
            "proc/self/cgroup": "4:cpu:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "much",
        }
    )
    message = r"^/sys/fs/cgroup/cpu/cpu.cfs_quota_us: expected a number, got 'much'$"
    with pytest.raises(UnknownFactError, match=message):
        quota_cpus(tree)
