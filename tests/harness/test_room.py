import pytest

from engines.contract import Device
from harness.build import Built
from harness.inspect import Inspected
from harness.machine.reading import Tree
from harness.plan import PlannedCase
from harness.room import Room, device_refusal, engine_refusal, memory_bytes
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

WITH_OUTPUTS = Signature(
    inputs=SIGNATURE.inputs,
    outputs=(
        TensorSpec(name="y", dtype="float64", dims=("batch",)),
        TensorSpec(name="z", dtype="float32", dims=("found", None)),
    ),
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


def inspected(weights_bytes=0):
    return Inspected(signature=WITH_OUTPUTS, precision="fp32", weights_bytes=weights_bytes)


def built(engine_bytes, **facts):
    return Built(
        path=None,
        facts=facts,
        build_ns=1,
        engine_bytes=engine_bytes,
        key="k",
        cached=False,
        damage=None,
    )


def planned(batch, **options):
    return PlannedCase(position=0, case=case(batch, s=2), options=options, outcome=None)


# A batch of one takes 24 + 8 + 4 bytes of inputs and 8 of outputs whose shape is known.
@pytest.mark.parametrize(
    ("batch", "weights_bytes", "options"),
    [(8, 8, {}), (2, 8 + 3 * 80, {"streams": 2}), (1, 316, {})],
)
def test_weights_and_bound_arrays_may_take_all_of_a_devices_memory(batch, weights_bytes, options):
    device = Device(kind="cuda", name="NVIDIA H200", memory_bytes=360)
    wanted = weights_bytes + (8 + batch * 36) * options.get("streams", 1)
    model = inspected(weights_bytes + 360 - wanted)
    assert device_refusal(case(batch, s=2), options, model, device) is None
    more = inspected(model.weights_bytes + 1)
    assert device_refusal(case(batch, s=2), options, more, device) == Skipped(
        reason="weights, inputs and outputs would take 3.36e-07 GiB (361 bytes), more than the "
        "3.35e-07 GiB of NVIDIA H200; lower the batch, another dimension or streams"
    )


def test_an_engine_needs_its_working_memory_once_a_stream():
    device = Device(kind="cuda", memory_bytes=1000)
    # 500 of engine, 2 x 200 of work, 2 x 44 of inputs and outputs
    plan, engine = planned(1, streams=2), built(500, device_bytes=200)
    assert engine_refusal(plan, built(512, device_bytes=200), inspected(), device) is None
    assert engine_refusal(plan, engine, inspected(), Device(kind="cuda", memory_bytes=987)) == (
        Skipped(
            reason="the engine, its working memory, inputs and outputs would take 9.2e-07 GiB "
            "(988 bytes), more than the 9.19e-07 GiB of the device; lower the batch, another "
            "dimension or streams"
        )
    )


def test_a_device_that_does_not_tell_its_memory_refuses_nothing():
    assert engine_refusal(planned(2**31), built(2**60), inspected(), Device(kind="cuda")) is None
    assert device_refusal(case(2**31, s=2), {}, inspected(2**60), Device(kind="cuda")) is None


def test_nothing_is_refused_where_the_machine_does_not_tell(tmp_path):
    room = Room({"m": SIGNATURE}, Tree(root=tmp_path))
    assert room.refusal(case(2**31 - 1, s=2)) is None
