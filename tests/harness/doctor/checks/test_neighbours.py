import pytest

from harness.doctor.checks import neighbours
from harness.doctor.finding import Level

BUSY, QUIET = "doctor-vm-busy", "doctor-vm-later"
UPTIME = {"proc/uptime": "13077.26 19636.53"}
NOT_COUNTED = "/proc/stat: no ticks are counted here"


def ticks(user=0, idle=0, steal=0):
    """/proc/stat of doctor-vm after so many more ticks."""
    return {
        "proc/stat": (
            f"cpu  {552280 + user} 0 86795 {1963553 + idle} 4785 0 1336 {864 + steal} 0 0"
        )
    }


def test_busy_cpus_are_a_warning(observed):
    (found,) = neighbours.load(observed("doctor-vm", later=BUSY))
    assert found.level is Level.WARNING
    assert found.finding == "2.0 of 2 CPUs busy, load average 2.1"
    assert found.effect == (
        "Queries wait for a CPU: two threads on two shared ones spread launches by 21–31 %."
    )


@pytest.mark.parametrize(
    ("busy", "level", "finding"),
    [
        (9, Level.OK, "0.2 of 2 CPUs busy, load average 0.1"),
        (10, Level.NOTE, "0.2 of 2 CPUs busy, load average 0.1"),
        (49, Level.NOTE, "1.0 of 2 CPUs busy, load average 0.1"),
        (50, Level.WARNING, "1.0 of 2 CPUs busy, load average 0.1"),
    ],
)
def test_a_tenth_is_a_note_and_half_a_warning(observed, busy, level, finding):
    later = UPTIME | ticks(user=busy, idle=100 - busy)
    (found,) = neighbours.load(observed("doctor-vm", later=later))
    assert (found.level, found.finding) == (level, finding)


def test_a_load_that_has_just_gone_is_a_note(observed):
    later = UPTIME | ticks(idle=100) | {"proc/loadavg": "2.00 1.00 1.00 1/95 1"}
    (found,) = neighbours.load(observed("doctor-vm", later=later))
    assert (found.level, found.finding) == (Level.NOTE, "0.0 of 2 CPUs busy, load average 2")


@pytest.mark.parametrize(
    ("stolen", "level", "finding"),
    [
        (0, Level.OK, "0 % now, 0.13 % since boot"),
        (2, Level.OK, "2.0 % now, 0.14 % since boot"),
        (3, Level.WARNING, "3.0 % now, 0.14 % since boot"),
    ],
)
def test_stolen_time_that_would_disturb_a_block_is_a_warning(observed, stolen, level, finding):
    later = UPTIME | ticks(idle=100 - stolen, steal=stolen)
    (found,) = neighbours.steal(observed("doctor-vm", later=later))
    assert (found.level, found.finding) == (level, finding)


def test_time_stolen_since_boot_is_a_note(observed):
    later = {"proc/stat": "cpu  700 0 100 9100 50 0 50 100 0 0"}
    (found,) = neighbours.steal(observed("amd-vm", later=later))
    assert (found.level, found.finding) == (Level.NOTE, "0 % now, 11 % since boot")


def test_where_ticks_are_not_counted_load_and_steal_are_unknown(observed):
    seen = observed("container-v2")
    found = [*neighbours.load(seen), *neighbours.steal(seen)]
    assert [(each.level, each.finding) for each in found] == [(Level.UNKNOWN, NOT_COUNTED)] * 2


def test_a_busy_process_is_a_warning_and_a_child_of_dynos_is_none(observed):
    (found,) = neighbours.heavy_processes(observed("doctor-vm", later=BUSY))
    assert (found.level, found.finding) == (Level.WARNING, "python3 (pid 11743) 1.6 CPUs")
    assert found.command == "ps -fp 11743"


def test_the_heaviest_three_are_named(observed):
    def stat(number, busy):
        zeros = " ".join(["0"] * 9)
        return f"{number} (job {number}) R 1 {zeros} {busy} 0 0 0 20 0 1 0 5 0 0"

    def jobs(share):
        return {f"proc/{20 + place}/stat": stat(20 + place, place * share) for place in range(5)}

    seen = observed("doctor-vm", files=jobs(0), later=UPTIME | jobs(10))
    (found,) = neighbours.heavy_processes(seen)
    assert found.finding == (
        "job 24 (pid 24) 0.8 CPUs, job 23 (pid 23) 0.6 CPUs, job 22 (pid 22) 0.4 CPUs, 1 more"
    )
    assert found.command == "ps -fp 24,23,22"


def test_among_many_cpus_one_busy_process_is_a_note(observed):
    files = {"sys/devices/system/cpu/online": "0-63"}
    (found,) = neighbours.heavy_processes(observed("doctor-vm", files=files, later=BUSY))
    assert (found.level, found.finding) == (Level.NOTE, "python3 (pid 11743) 1.6 CPUs")


def test_a_name_cannot_reach_into_the_terminal(observed):
    evil = "11743 (\x1b[2J) S 1 1 1 0 -1 0 0 0 0 0 186 1 0 0 20 0 1 0 1307575 0 0"
    later = UPTIME | {"proc/11743/stat": evil}
    (found,) = neighbours.heavy_processes(observed("doctor-vm", later=later))
    assert found.finding == r"\x1b[2J (pid 11743) 1.6 CPUs"


def test_a_quiet_machine_is_ok(observed):
    seen = observed("doctor-vm", later=QUIET)
    checks = (
        neighbours.load,
        neighbours.steal,
        neighbours.heavy_processes,
        neighbours.spinning_threads,
    )
    assert [each.level for check in checks for each in check(seen)] == [Level.OK] * 4


def test_processes_that_are_hidden_may_be_heavy(observed):
    (found,) = neighbours.heavy_processes(observed("doctor-vm", files={"proc/1/stat": None}))
    assert found.level is Level.UNKNOWN
    assert found.finding == "/proc shows no process 1: it hides those of other users"


def test_a_pool_of_busy_threads_is_a_warning(observed):
    (found,) = neighbours.spinning_threads(observed("doctor-vm", later=BUSY))
    assert found.level is Level.WARNING
    assert found.finding == "python3 (pid 11743) has 2 busy threads"
    assert found.remedy == "See whether these threads compute or only wait:"
    assert found.command == "ps -fp 11743"


@pytest.mark.parametrize(
    "variables",
    [
        {"OMP_WAIT_POLICY": "ACTIVE"},
        {"KMP_BLOCKTIME": "infinite"},
        {"GOMP_SPINCOUNT": "30000000"},
        {"KMP_LIBRARY": "turnaround"},
    ],
)
def test_a_variable_that_lets_pools_spin_is_a_warning(observed, variables):
    ((name, value),) = variables.items()
    seen = observed("doctor-vm", later=QUIET, variables=variables)
    (found,) = neighbours.spinning_threads(seen)
    assert (found.level, found.finding) == (Level.WARNING, f"{name}={value}")
    assert found.remedy == "Let dyno's own pools sleep:"
    assert found.command == f"unset {name}"


def test_pools_and_variables_are_told_together(observed):
    variables = {"KMP_BLOCKTIME": "200", "OMP_WAIT_POLICY": "active"}
    seen = observed("doctor-vm", later=BUSY, variables=variables)
    (found,) = neighbours.spinning_threads(seen)
    assert found.finding == (
        "OMP_WAIT_POLICY=active, KMP_BLOCKTIME=200, python3 (pid 11743) has 2 busy threads"
    )
    assert found.command == "unset OMP_WAIT_POLICY KMP_BLOCKTIME; ps -fp 11743"


def test_a_variable_is_told_where_processes_are_hidden(observed):
    hidden = {"proc/1/stat": None}
    variables = {"OMP_WAIT_POLICY": "active"}
    (told,) = neighbours.spinning_threads(
        observed("doctor-vm", files=hidden, later=QUIET, variables=variables)
    )
    (untold,) = neighbours.spinning_threads(observed("doctor-vm", files=hidden, later=QUIET))
    assert (told.level, told.finding) == (Level.WARNING, "OMP_WAIT_POLICY=active")
    assert untold.level is Level.UNKNOWN


def test_variables_that_let_pools_sleep_are_ok(observed):
    variables = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0", "GOMP_SPINCOUNT": "0"}
    seen = observed("doctor-vm", later=QUIET, variables=variables)
    (found,) = neighbours.spinning_threads(seen)
    assert (found.level, found.finding) == (Level.OK, "none")
