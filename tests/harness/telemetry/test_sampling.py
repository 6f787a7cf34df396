import threading
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from harness.machine.reading import Facts
from harness.telemetry import sampling as sampling_module
from harness.telemetry.sampling import sampling


class Counting:
    """Counts readings, and lets the body wait for them."""

    def __init__(self, enough=3, error=None):
        self._enough, self._error = enough, error
        self.reached = threading.Event()
        self.threads = set()
        self._count = 0

    def __call__(self):
        self._count += 1
        self.threads.add(threading.current_thread())
        if self._count >= self._enough:
            self.reached.set()
        if self._error:
            raise self._error
        return Facts(values={"count": self._count}, unknown={})


def test_it_reads_until_the_body_is_left_and_its_thread_is_gone_then():
    read, times = Counting(), iter(range(10**6))
    with sampling(read, period_s=0.001, clock=lambda: next(times)) as readings:
        assert read.reached.wait(10)
    counts = [each.facts.values["count"] for each in readings]
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) >= 3
    assert sorted(each.at_ns for each in readings) == [each.at_ns for each in readings]
    assert not any(thread.is_alive() for thread in read.threads)


def test_there_is_a_reading_however_soon_the_body_is_left(monkeypatch):
    class Late(nullcontext):
        """Has a thread that begins only when its result is asked for."""

        def submit(self, work):
            return SimpleNamespace(result=work)

    read = Counting()
    monkeypatch.setattr(sampling_module, "ThreadPoolExecutor", lambda *_, **__: Late(Late()))
    with sampling(read, period_s=0.001, clock=lambda: 0) as readings:
        pass
    assert [each.facts.values["count"] for each in readings] == [1]


def test_a_body_that_fails_stops_it():
    read = Counting()
    with (
        pytest.raises(KeyboardInterrupt),
        sampling(read, period_s=0.001, clock=lambda: 0),
    ):
        raise KeyboardInterrupt
    assert not any(thread.is_alive() for thread in read.threads)


def test_what_the_reading_raised_is_not_lost():
    read = Counting(enough=1, error=ZeroDivisionError("mine"))
    with (
        pytest.raises(ZeroDivisionError, match="mine"),
        sampling(read, period_s=0.001, clock=lambda: 0),
    ):
        assert read.reached.wait(10)
