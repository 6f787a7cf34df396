import pytest

from harness.machine.processes import Process, family, own_pid, read_processes
from harness.machine.reading import Tree, UnknownFactError


@pytest.fixture
def machine(recorded):
    """The recorded machine with a process whose files say this."""

    def with_process(files):
        root = recorded("doctor-vm")
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        return Tree(root=root)

    return with_process


def stat(name, *, threads=1):
    return f"20 ({name}) S 1 20 20 0 -1 0 0 0 0 0 30 12 0 0 20 0 {threads} 0 99 0 0"


def test_a_recorded_machine_tells_its_processes_and_their_threads(machine):
    found = read_processes(machine({}))
    assert sorted(found) == [1, 4, 11702, 11743, 11744]
    assert found[4].name == "kworker/R-rcu_gp"
    assert found[11743] == Process(
        pid=11743,
        parent=1,
        name="python3",
        started=1307575,
        ticks=105,
        threads={11743: 3, 11745: 44, 11746: 56},
    )


@pytest.mark.parametrize("name", ["a b", "a) S 1", "((", ""])
def test_a_name_may_hold_spaces_and_brackets(machine, name):
    found = read_processes(machine({"proc/20/stat": stat(name)}))[20]
    assert (found.name, found.parent, found.ticks) == (name, 1, 42)


@pytest.mark.parametrize(
    "content", ["", "20", "20 (cut S 1", "20 (a) S 1 2", "20 (a) " + "x " * 30]
)
def test_a_process_that_makes_no_sense_is_left_out(machine, content):
    assert 20 not in read_processes(machine({"proc/20/stat": content}))


def test_a_thread_that_ended_meanwhile_costs_only_itself(machine):
    files = {
        "proc/20/stat": stat("pool", threads=3),
        "proc/20/task/20/stat": stat("pool"),
        "proc/20/task/21/stat": "",
    }
    assert read_processes(machine(files))[20].threads == {20: 42}


def test_a_single_thread_is_not_looked_at(machine):
    files = {"proc/20/stat": stat("one"), "proc/20/task/20/stat": stat("one")}
    assert read_processes(machine(files))[20].threads == {}


def test_without_proc_it_is_unknown(tmp_path):
    with pytest.raises(UnknownFactError, match=r"^/proc: No such file or directory$"):
        read_processes(Tree(root=tmp_path))


def test_a_family_has_children_and_grandchildren(machine):
    processes = read_processes(machine({}))
    child = Process(pid=9, parent=11744, name="x", started=1, ticks=0, threads={})
    assert family({9: child, **processes}, 11702) == {11702, 11744, 9}


def test_the_own_number_is_that_of_the_trees_proc(machine):
    assert own_pid(machine({})) == 11702
    message = "^/proc/self/stat: expected a number, got 'me'$"
    with pytest.raises(UnknownFactError, match=message):
        own_pid(machine({"proc/self/stat": "me (python)"}))
