import os
import subprocess
import sys
import threading
import time

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.wire import ClosedError, Message, receive, send


@pytest.fixture
def pipe():
    read_fd, write_fd = os.pipe()
    yield read_fd, write_fd
    for fd in (read_fd, write_fd):
        try:
            os.close(fd)
        except OSError:
            continue


def exchange(message):
    read_fd, write_fd = os.pipe()
    try:
        writer = threading.Thread(target=send, args=(write_fd, message))
        writer.start()
        got = receive(read_fd, deadline=time.monotonic() + 30)
        writer.join()
        return got
    finally:
        os.close(read_fd)
        os.close(write_fd)


@given(
    header=st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none()),
    stored=st.dictionaries(
        st.text(max_size=5),
        arrays.arrays(
            st.sampled_from(["int64", "float32", "bool", "uint8", "float16"]),
            arrays.array_shapes(min_dims=0, max_dims=3, min_side=0),
        ),
        max_size=3,
    ),
)
def test_what_is_sent_is_received(header, stored):
    got = exchange(Message(header=header, arrays=stored))
    assert got.header == header
    assert list(got.arrays) == list(stored)
    for name, array in stored.items():
        assert got.arrays[name].dtype == array.dtype
        assert got.arrays[name].shape == array.shape
        assert got.arrays[name].tobytes() == array.tobytes()


def test_types_that_numpy_does_not_know_keep_their_name():
    got = exchange(Message(header={}, arrays={"y": np.array([1.5, -2], ml_dtypes.bfloat16)}))
    assert got.arrays["y"].dtype == ml_dtypes.bfloat16
    assert got.arrays["y"].astype(float).tolist() == [1.5, -2.0]


def test_arrays_larger_than_a_pipe_travel_whole():
    big = np.arange(1_000_000)
    assert (exchange(Message(header={}, arrays={"big": big})).arrays["big"] == big).all()


def test_a_closed_end_is_told_to_the_reader(pipe):
    read_fd, write_fd = pipe
    os.write(write_fd, b"\x05\x00")
    os.close(write_fd)
    with pytest.raises(ClosedError, match="^the other end closed the wire$"):
        receive(read_fd)


def test_a_closed_end_is_told_to_the_writer(pipe):
    read_fd, write_fd = pipe
    os.close(read_fd)
    with pytest.raises(ClosedError, match="^the other end closed the wire$"):
        send(write_fd, Message(header={}))


def test_silence_ends_in_a_timeout(pipe):
    with pytest.raises(TimeoutError, match="^no answer in time$"):
        receive(pipe[0], deadline=time.monotonic())


def test_a_reader_that_does_not_read_does_not_block_the_writer_for_ever(pipe):
    os.set_blocking(pipe[1], False)
    big = Message(header={}, arrays={"big": np.zeros(1_000_000)})
    with pytest.raises(TimeoutError, match="^no answer in time$"):
        send(pipe[1], big, deadline=time.monotonic() + 0.1)


def test_a_dead_peer_is_told_though_its_children_hold_the_wire(pipe):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        exit_fd = os.pidfd_open(process.pid)
    with pytest.raises(ClosedError, match="^the other end died$"):
        receive(pipe[0], exit_fd=exit_fd)
    os.close(exit_fd)


def test_no_descriptor_is_left_behind(pipe):
    before = len(os.listdir("/proc/self/fd"))
    send(pipe[1], Message(header={"a": 1}))
    receive(pipe[0])
    assert len(os.listdir("/proc/self/fd")) == before
