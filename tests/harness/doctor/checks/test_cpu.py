import pytest

from harness.doctor.checks import cpu
from harness.doctor.finding import Level

CPUS = "sys/devices/system/cpu"
POWERSAVE = {f"{CPUS}/cpu{number}/cpufreq/scaling_governor": "powersave" for number in range(4)}
PERFORMANCE = dict.fromkeys(POWERSAVE, "performance")
HOST = "set by the host, which does not tell this machine"


def test_a_governor_that_saves_power_is_a_warning(observed):
    (found,) = cpu.governor(observed("intel-smt", files=POWERSAVE))
    assert found.to_dict() == {
        "id": "governor",
        "level": "warning",
        "finding": "powersave (driver intel_pstate)",
        "effect": (
            "The clock drops in pauses and climbs again: queries paced with sleeps took 27–100 % "
            "longer."
        ),
        "remedy": "Let the clock stay up:",
        "command": "sudo cpupower frequency-set -g performance",
    }


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("intel-smt", "performance/powersave (driver intel_pstate)"),
        ("container-v2", "schedutil (driver acpi-cpufreq)"),
    ],
)
def test_so_is_one_that_only_some_cpus_have_and_one_that_follows_the_load(observed, name, finding):
    (found,) = cpu.governor(observed(name))
    assert (found.level, found.finding) == (Level.WARNING, finding)


def test_the_performance_governor_is_ok(observed):
    (found,) = cpu.governor(observed("intel-smt", files=PERFORMANCE))
    assert (found.level, found.finding) == (Level.OK, "performance")


def test_a_clock_fixed_by_hand_is_a_note(observed):
    (found,) = cpu.governor(observed("intel-smt", files=dict.fromkeys(POWERSAVE, "userspace")))
    assert (found.level, found.finding) == (Level.NOTE, "userspace (driver intel_pstate)")


def test_a_virtual_machine_does_not_know_its_governor_and_turbo(observed):
    seen = observed("doctor-vm")
    found = [*cpu.governor(seen), *cpu.turbo(seen)]
    assert [(each.level, each.finding) for each in found] == [(Level.UNKNOWN, HOST)] * 2


def test_without_cpufreq_and_without_a_host_the_missing_file_is_the_reason(observed):
    path = f"{CPUS}/cpu0/cpufreq/scaling_governor"
    (found,) = cpu.governor(observed("intel-smt", files={path: None}))
    assert (found.level, found.finding) == (Level.UNKNOWN, f"/{path}: No such file or directory")


@pytest.mark.parametrize(
    ("name", "finding", "command"),
    [
        ("intel-smt", "on, up to 3200 MHz", "echo 1 | sudo tee /{}/intel_pstate/no_turbo"),
        ("container-v2", "on, up to 4850 MHz", "echo 0 | sudo tee /{}/cpufreq/boost"),
    ],
)
def test_turbo_is_a_note_with_the_command_of_its_driver(observed, name, finding, command):
    (found,) = cpu.turbo(observed(name))
    assert (found.level, found.finding) == (Level.NOTE, finding)
    assert found.command == command.format(CPUS)


def test_no_turbo_is_ok(observed):
    (found,) = cpu.turbo(observed("intel-smt", files={f"{CPUS}/intel_pstate/no_turbo": "1"}))
    assert (found.level, found.finding) == (Level.OK, "off")


def test_cpus_that_are_threads_of_one_core_are_a_note(observed):
    (found,) = cpu.smt(observed("intel-smt"))
    assert (found.level, found.finding) == (Level.NOTE, "4 CPUs are threads of 2 cores")
    assert found.command == "echo off | sudo tee /sys/devices/system/cpu/smt/control"


@pytest.mark.parametrize(
    ("name", "files", "finding"),
    [
        (
            "intel-smt",
            {"proc/self/status": "Cpus_allowed_list:\t0-1"},
            "dyno may use one thread of each core",
        ),
        ("container-v2", {}, "one thread a core"),
        ("doctor-vm", {}, "one thread a core, as far as the host tells"),
    ],
)
def test_one_usable_thread_a_core_is_ok(observed, name, files, finding):
    (found,) = cpu.smt(observed(name, files=files))
    assert (found.level, found.finding) == (Level.OK, finding)


def test_a_quota_below_the_usable_cpus_is_a_warning(observed):
    (found,) = cpu.quota(observed("container-v2"))
    assert (found.level, found.finding) == (Level.WARNING, "1.5 CPUs on 2 usable")
    assert found.remedy == (
        "Ask for CPUs of your own in place of a quota (docker: --cpuset-cpus, not --cpus)."
    )


def test_it_tells_how_often_the_group_was_stopped(observed):
    stat = "usage_usec 77\nnr_periods 900\nnr_throttled 312\nthrottled_usec 4411\n"
    (found,) = cpu.quota(observed("container-v2", files={"sys/fs/cgroup/cpu.stat": stat}))
    assert found.finding == "1.5 CPUs on 2 usable, used up in 312 periods so far"


def test_a_quota_as_large_as_the_usable_cpus_is_ok_until_it_stops_the_group(observed):
    whole = {"sys/fs/cgroup/cpu.max": "200000 100000"}
    before = {**whole, "sys/fs/cgroup/cpu.stat": "nr_throttled 1"}
    (idle,) = cpu.quota(observed("container-v2", files=before))
    after = {"sys/fs/cgroup/cpu.stat": "nr_throttled 3"}
    (stopped,) = cpu.quota(observed("container-v2", files=before, later=after))
    assert (idle.level, idle.finding) == (Level.OK, "2 CPUs on 2 usable")
    assert stopped.level is Level.WARNING
    assert stopped.finding == "2 CPUs on 2 usable, used up in 3 periods so far"


def test_no_quota_is_ok_and_unreadable_groups_are_unknown(observed):
    (none,) = cpu.quota(observed("doctor-vm"))
    (unreadable,) = cpu.quota(observed("doctor-vm", files={"proc/self/cgroup": None}))
    assert (none.level, none.finding) == (Level.OK, "none")
    assert unreadable.level is Level.UNKNOWN
    assert unreadable.finding == "/proc/self/cgroup: No such file or directory"
