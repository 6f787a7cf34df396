"""The simulated machine: its devices and its host clock. One a process.

    from simulated.machine import machine
    device = machine().devices[0]
    stream = device.stream(handle)
    stream.compute(lambda: np.copyto(device.memory.view(address, size), result))

Tests call `restart(clock="virtual", …)` first; child processes read variables `SIMULATED_…`.
"""

import os

from simulated.clock import RealClock, VirtualClock
from simulated.errors import SimulatedError
from simulated.memory import Memory
from simulated.script import Failures, Script
from simulated.stream import Stream


class SimulatedDevice:
    """A device: `uuid` as the driver prints it, `sm` such as `sm90`."""

    def __init__(self, machine, index):
        script = machine.script
        self.machine = machine
        self.index = index
        self.name = script.name
        kind = "MIG" if " MIG " in script.name else "GPU"
        self.uuid = f"{kind}-{index:08x}-5171-4a7e-8000-00000000c0de"
        self.sm = script.sm
        self.l2_bytes = script.l2_bytes
        self.memory = Memory(script.memory_bytes)
        self.error = None
        self.context_flags = 0
        self.context_users = 0
        self._streams = {}

    def new_stream(self):
        """Return a stream with a handle of its own."""
        handle = 0x5000 + 16 * len(self._streams)
        self._streams[handle] = Stream(self, handle)
        return self._streams[handle]

    def stream(self, handle):
        """Return the stream of that handle (int); raises SimulatedError for an unknown one."""
        if int(handle) not in self._streams:
            raise SimulatedError("CUDA_ERROR_INVALID_HANDLE")
        return self._streams[int(handle)]

    @property
    def streams(self):
        return tuple(self._streams.values())

    def synchronize(self):
        """Wait for all streams; raises SimulatedError for an error of the device."""
        for stream in self.streams:
            stream.synchronize()
        self.check()

    def check(self):
        """Raise the device's error, if it has one: it stays until the process ends."""
        if self.error:
            raise SimulatedError(self.error)


class Machine:
    """`devices` are those that CUDA_VISIBLE_DEVICES leaves, `all_devices` those that NVML sees."""

    def __init__(self, script):
        self.script = script
        self.clock = VirtualClock() if script.clock == "virtual" else RealClock()
        self.fails = Failures(script.fail)
        self.started = False
        self.left_current = None
        self.all_devices = tuple(SimulatedDevice(self, k) for k in range(script.devices))
        self.devices = _visible(self.all_devices, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _visible(devices, text):
    """Return the devices of CUDA_VISIBLE_DEVICES; the first unknown one ends the list.

    Of MIG devices CUDA shows a process the one that it names, else the first.
    """
    if text is None:
        return devices[:1] if devices and devices[0].uuid.startswith("MIG-") else devices
    visible = []
    for word in map(str.strip, text.split(",")):
        matches = [
            device
            for device in devices
            if (word.isdigit() and device.index == int(word))
            or (word.startswith(("GPU-", "MIG-")) and device.uuid.startswith(word))
        ]
        if len(matches) != 1:
            break
        visible += matches
    return tuple(visible)


_current = None


def machine():
    """Return the process's machine, made from its environment at the first call."""
    global _current  # noqa: PLW0603
    if _current is None:
        _current = Machine(Script.from_environment())
    return _current


def restart(**script):
    """Return a machine anew, in place of the process's."""
    global _current  # noqa: PLW0603
    _current = Machine(Script(**script))
    return _current
