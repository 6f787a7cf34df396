import pytest

from harness.machine.activity import read_counters
from harness.machine.cgroup import quota_cpus, throttles
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


def test_throttled_periods_of_all_groups_on_the_way_up_are_added(machine):
    tree = machine(
        {
            "proc/self/cgroup": "0::/pod/worker",
            "sys/fs/cgroup/pod/worker/cpu.stat": "usage_usec 5\nnr_periods 9\nnr_throttled 2",
            "sys/fs/cgroup/pod/cpu.stat": "nr_throttled 3",
            "sys/fs/cgroup/cpu.stat": "usage_usec 5",
        }
    )
    assert throttles(tree) == 5


def test_throttled_periods_are_counted_under_v1_too(machine):
    tree = machine(
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc",
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 9\nnr_throttled 7",
        }
    )
    assert throttles(tree) == 7


def test_groups_that_count_no_throttled_periods_are_unknown(machine):
    message = "^no cpu.stat of this process's groups has nr_throttled$"
    with pytest.raises(UnknownFactError, match=message):
        throttles(machine({"proc/self/cgroup": "0::/"}))


def test_a_count_that_is_no_number_is_unknown(machine):
    files = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.stat": "nr_throttled many"}
    facts = read_counters(machine(files))
    assert facts.values["throttles"] is None
    assert facts.unknown["throttles"] == "invalid literal for int() with base 10: 'many'"
