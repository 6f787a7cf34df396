import pytest

from harness.machine.activity import read_counters
from harness.machine.cgroup import memory_limit_bytes, quota_cpus, throttles
from harness.machine.cpu import read_cpu
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
    assert facts.unknown["throttles"] == ("/sys/fs/cgroup/cpu.stat: expected a number, got 'many'")


@pytest.mark.parametrize("text", ["100000 0", "100000", "", "much 100000"])
def test_a_v2_quota_that_makes_no_sense_is_unknown(machine, text):
    tree = machine({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": text})

    assert read_cpu(tree).unknown["quota_cpus"] == (
        f"/sys/fs/cgroup/cpu.max: expected a quota and a period, got {text!r}"
    )


def test_a_v1_period_of_zero_is_unknown(machine):
    tree = machine(
        {
            "proc/self/cgroup": "4:cpu:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "0",
        }
    )

    assert read_cpu(tree).unknown["quota_cpus"] == (
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us: expected a period, got '0'"
    )


def test_a_list_of_groups_that_makes_no_sense_is_unknown(machine):
    assert read_cpu(machine({"proc/self/cgroup": "odd"})).unknown["quota_cpus"] == (
        "/proc/self/cgroup: expected a group, got 'odd'"
    )


def test_the_tightest_memory_limit_on_the_way_up_counts(machine):
    files = {
        "proc/self/cgroup": "0::/system.slice/x.service",
        "sys/fs/cgroup/system.slice/x.service/memory.max": "4096",
        "sys/fs/cgroup/system.slice/memory.max": "3072",
        "sys/fs/cgroup/memory.max": "max",
        "sys/fs/cgroup/other.slice/memory.max": "1024",
    }
    assert memory_limit_bytes(machine(files)) == 3072
    files["sys/fs/cgroup/system.slice/memory.max"] = "max"
    assert memory_limit_bytes(machine(files)) == 4096


def test_a_v1_memory_limit_is_that_of_the_memory_controllers_group(machine):
    tree = machine(
        {
            "proc/self/cgroup": "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/def\n0::/",
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "5000",
            "sys/fs/cgroup/memory/docker/def/memory.limit_in_bytes": "1000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        }
    )
    assert memory_limit_bytes(tree) == 5000


def test_no_memory_limit_is_none(machine):
    files = {"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/memory.max": "max"}
    assert memory_limit_bytes(machine(files)) is None


def test_unreadable_groups_have_no_known_memory_limit(tmp_path):
    message = r"^/proc/self/cgroup: No such file or directory$"
    with pytest.raises(UnknownFactError, match=message):
        memory_limit_bytes(Tree(root=tmp_path))
