import os

from engines.ort.device import log


def test_what_went_to_the_log_since_is_heard(capfd):
    del capfd  # makes stderr a file, as a worker's is
    os.write(2, b"before\n")
    heard = log.listen()
    assert heard() == ""
    os.write(2, b"after\n")
    assert heard() == "after\n"


def test_nothing_is_heard_where_stderr_is_no_file():
    kept = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    try:
        heard = log.listen()
        os.write(2, b"after\n")
        assert heard() == ""
    finally:
        os.dup2(kept, 2)
        for descriptor in (kept, reading, writing):
            os.close(descriptor)


def test_the_copies_of_all_graphs_are_counted():
    text = (
        "[W:onnxruntime:, transformer_memcpy.cc:111 ApplyImpl] 2 Memcpy nodes are added to the "
        "graph main for CUDAExecutionProvider. It might have negative impact.\n"
        "[W:onnxruntime:, transformer_memcpy.cc:111 ApplyImpl] 11 Memcpy nodes are added to the "
        "graph body for CUDAExecutionProvider. It might have negative impact.\n"
    )
    assert log.memcpy_nodes(text) == 13
    assert log.memcpy_nodes("all is well") == 0
