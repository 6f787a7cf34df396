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


@pytest.fixture
def late(monkeypatch):
    """The thread begins only when its result is asked for."""

    class Late(nullcontext):
        def submit(self, work):
            return SimpleNamespace(result=work)

    monkeypatch.setattr(sampling_module, "ThreadPoolExecutor", lambda *_, **__: Late(Late()))


@pytest.mark.usefixtures("late")
def test_there_is_a_reading_however_soon_the_body_is_left():
    read = Counting()
    with sampling(read, period_s=0.001, clock=lambda: 0) as readings:
        pass
    assert [each.facts.values["count"] for each in readings] == [1]


@pytest.mark.usefixtures("late")
def test_the_time_that_a_reading_takes_is_part_of_its_period(monkeypatch):
    now_ms, taken_ms = [0], [20, 20, 130, 20]

    def read():
        now_ms[0] += taken_ms.pop(0)
        return Facts(values={}, unknown={})

    class Stop:
        is_set = set = staticmethod(lambda: not taken_ms)

        def wait(self, pause_s):
            now_ms[0] += round(pause_s * 1000)

    monkeypatch.setattr(sampling_module, "threading", SimpleNamespace(Event=Stop))
    with sampling(read, period_s=0.05, clock=lambda: now_ms[0] * 1_000_000) as readings:
        pass
    assert [each.at_ns // 1_000_000 for each in readings] == [20, 70, 230, 250]


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
