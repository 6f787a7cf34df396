import pytest

from harness.doctor.observation import WINDOW_S, Usage, observe
from harness.machine.reading import UnknownFactError

BUSY = "doctor-vm-busy"


def test_two_samples_lie_a_window_apart(recorded):
    waited = []
    observe(root=recorded("doctor-vm"), variables={}, pause=waited.append)
    assert waited == [WINDOW_S]


def test_what_others_used_is_told_the_heaviest_first(observed):
    seen = observed("doctor-vm", later=BUSY)
    assert seen.elapsed_s == pytest.approx(0.5)
    first, *rest = seen.others()
    assert (first.pid, first.name, first.busy_threads) == (11743, "python3", 2)
    assert first.cpus == pytest.approx(1.64)
    assert rest == [
        Usage(pid=1, name="init", cpus=0.0, busy_threads=0),
        Usage(pid=4, name="kworker/R-rcu_gp", cpus=0.0, busy_threads=0),
    ]


def test_the_family_is_dyno_and_its_children(observed):
    assert observed("doctor-vm").family == {11702, 11744}


def test_a_later_process_of_the_same_number_used_what_it_has(observed):
    reused = "4 (new) R 1 4 4 0 -1 0 0 0 0 0 20 5 0 0 20 0 1 0 1307676 0 0"
    later = {"proc/4/stat": reused, "proc/uptime": "13077.26 19636.53"}
    (usage,) = [usage for usage in observed("doctor-vm", later=later).others() if usage.pid == 4]
    assert usage.cpus == pytest.approx(0.5)


def test_without_time_between_nothing_can_be_told(observed):
    with pytest.raises(UnknownFactError, match="^/proc/uptime: no time passed between two read"):
        observed("doctor-vm").others()


def test_a_machine_that_tells_nothing_can_be_looked_at(tmp_path):
    seen = observe(root=tmp_path, variables={}, pause=lambda _: None)
    assert (seen.before.processes, seen.after.processes) == ({}, {})
    with pytest.raises(UnknownFactError):
        seen.grown("cpu_ticks")
