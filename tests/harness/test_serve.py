import errno
import os

from harness.serve import plain_failure


def test_a_full_disk_is_told_although_the_log_takes_no_trace(monkeypatch):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "store/a.onnx")

    def fail():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("traceback.print_exc", fail)

    found = plain_failure(error)

    assert (found.kind, found.message, found.hint) == (
        "disk",
        "[Errno 28] No space left on device: 'store/a.onnx'",
        "Free space, or choose another --store.",
    )
