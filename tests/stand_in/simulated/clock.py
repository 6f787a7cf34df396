"""The host's clock of the simulated machine: the real one, or one that the calls move on."""

import time


class RealClock:
    """Waiting and working take real time; it spins, as a host that waits for a device does."""

    def now_ns(self):
        return time.perf_counter_ns()

    def wait_until(self, moment_ns):
        while time.perf_counter_ns() < moment_ns:
            pass

    def spend(self, duration_ns):
        self.wait_until(self.now_ns() + duration_ns)


class VirtualClock:
    """Time stands still but where it is spent or waited for; exact."""

    def __init__(self):
        self._now_ns = 0

    def now_ns(self):
        return self._now_ns

    def wait_until(self, moment_ns):
        self._now_ns = max(self._now_ns, moment_ns)

    def spend(self, duration_ns):
        self._now_ns += duration_ns
