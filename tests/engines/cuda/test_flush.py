import numpy as np

from engines.cuda import driver
from engines.cuda.context import opened
from engines.cuda.flush import flushing


def test_twice_the_cache_is_overwritten_and_waited_for(simulated):
    machine = simulated(l2_bytes=1000, memset_ns=700)
    memory = machine.devices[0].memory
    with opened(driver.find(), blocking_sync=False) as context:
        [stream] = context.streams(1)
        before = memory.free_bytes
        overwrite, wait = flushing(context, stream)
        assert before - memory.free_bytes == 2000
        [buffer] = memory.buffers
        buffer[...] = 1
        overwrite()
        assert machine.clock.now_ns() == 0
        wait()
        assert machine.clock.now_ns() == 700
        np.testing.assert_array_equal(buffer, 0)
    assert memory.allocations == 0
