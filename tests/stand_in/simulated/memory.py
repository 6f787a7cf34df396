"""Device memory of the simulated machine: host memory, so that pointers are real."""

import bisect

import numpy as np
from simulated.errors import SimulatedError

ALIGNMENT = 256


class Memory:
    """Allocations of a device; `reserved_bytes` is what its context takes."""

    def __init__(self, total_bytes, reserved_bytes=256 << 20):
        self.total_bytes = total_bytes
        self.free_bytes = total_bytes - reserved_bytes
        self._buffers = {}
        self._addresses = []

    def allocate(self, size_bytes):
        """Return the address of that many bytes, aligned as the driver does."""
        if size_bytes == 0:
            raise SimulatedError("CUDA_ERROR_INVALID_VALUE")
        if size_bytes > self.free_bytes:
            raise SimulatedError("CUDA_ERROR_OUT_OF_MEMORY")
        raw = np.empty(size_bytes + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        buffer = raw[start : start + size_bytes]
        address = buffer.ctypes.data
        self._buffers[address] = buffer
        bisect.insort(self._addresses, address)
        self.free_bytes -= size_bytes
        return address

    def free(self, address):
        """Give an allocation back; raises SimulatedError for what is none."""
        if address not in self._buffers:
            raise SimulatedError("CUDA_ERROR_INVALID_VALUE")
        self.free_bytes += self._buffers.pop(address).nbytes
        self._addresses.remove(address)

    def view(self, address, size_bytes):
        """Return the bytes from that address on; raises SimulatedError outside one allocation."""
        k = bisect.bisect_right(self._addresses, address) - 1
        if k >= 0:
            offset = address - self._addresses[k]
            buffer = self._buffers[self._addresses[k]]
            if offset + size_bytes <= buffer.nbytes:
                return buffer[offset : offset + size_bytes]
        raise SimulatedError("CUDA_ERROR_ILLEGAL_ADDRESS")

    @property
    def buffers(self):
        """Return the bytes of every allocation."""
        return tuple(self._buffers.values())

    @property
    def allocations(self):
        """Return how many allocations there are: 0 once everything was released."""
        return len(self._buffers)
