import pytest

from harness.machine.reading import Tree
from harness.room import Room, memory_bytes
from results.record import Skipped
from suites.case import Case
from suites.signature import Signature, TensorSpec

GIB = 2**30
SIGNATURE = Signature(
    inputs=(
        TensorSpec(name="x", dtype="float32", dims=("batch", "s", 3)),
        TensorSpec(name="n", dtype="int64", dims=()),
        TensorSpec(name="w", dtype="bfloat16", dims=("2*batch",)),
    ),
    outputs=(),
)


@pytest.fixture
def machine(tmp_path):
    """Write a machine of 8 GiB whose control group may have a limit; returns its files."""

    def write(limit=None, file="sys/fs/cgroup/memory.max"):
        (tmp_path / "proc").mkdir(exist_ok=True)
        (tmp_path / "proc/self").mkdir(exist_ok=True)
        (tmp_path / "proc/self/cgroup").write_text("4:memory:/\n0::/system.slice/x.service\n")
        (tmp_path / "proc/meminfo").write_text(f"MemTotal: {8 * GIB // 1024} kB\nMemFree: 1 kB\n")
        if limit is not None:
            (tmp_path / file).parent.mkdir(parents=True)
            (tmp_path / file).write_text(f"{limit}\n")
        return Tree(root=tmp_path)

    return write


def case(batch, **dims):
    return Case(model="m", backend="fake", precision="fp32", batch=batch, dims=tuple(dims.items()))


def test_the_memory_is_the_machines(machine):
    assert memory_bytes(machine()) == 8 * GIB


@pytest.mark.parametrize(
    "file", ["memory.max", "system.slice/memory.max", "memory/memory.limit_in_bytes"]
)
def test_a_control_groups_limit_counts_where_it_is_lower(machine, file):
    assert memory_bytes(machine(3 * GIB, f"sys/fs/cgroup/{file}")) == 3 * GIB


def test_groups_that_cannot_be_read_limit_nothing(machine, tmp_path):
    tree = machine(3 * GIB)
    (tmp_path / "proc/self/cgroup").unlink()
    assert memory_bytes(tree) == 8 * GIB


@pytest.mark.parametrize("limit", ["max", 9 * GIB])
def test_a_limit_that_is_none_does_not(machine, limit):
    assert memory_bytes(machine(limit)) == 8 * GIB


def test_a_case_whose_inputs_are_too_large_is_skipped_with_their_bytes(machine):
    room = Room({"m": SIGNATURE}, machine())
    assert room.refusal(case(2**31 - 1, s=2)) == Skipped(
        reason="the inputs would take 56 GiB (60129542124 bytes), more than a quarter of this "
        "machine's 8 GiB; lower the batch or another dimension"
    )


def test_a_quarter_of_the_memory_is_still_given(machine):
    room = Room({"m": SIGNATURE}, machine())
    rows = (2 * GIB - 8) // (4 * 3 + 4)
    assert room.refusal(case(rows, s=1)) is None
    assert room.refusal(case(rows + 1, s=1)) is not None


def test_nothing_is_refused_where_the_machine_does_not_tell(tmp_path):
    room = Room({"m": SIGNATURE}, Tree(root=tmp_path))
    assert room.refusal(case(2**31 - 1, s=2)) is None
