"""CUDA graphs: what a call enqueues, captured once and launched as a whole.

Through cuda-bindings, since pycuda has no graphs; both work on the same stream.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from engines.contract import CaptureError, EngineError
from engines.cuda.driver import DriverError, checked
from engines.cuda.explain import explain

if TYPE_CHECKING:
    from engines.contract import Call
    from engines.cuda.context import Context, Stream

_HINT = "Run the case with cuda_graph: false."


def capture(context: Context, stream: Stream, enqueue: Call) -> Call:
    """Return a call that launches, on the stream, all that `enqueue` enqueues there.

    `enqueue` ran and was waited for before: what a runtime allocates at its first query cannot be
    captured. The graph is the context's and ends with it. Raises CaptureError, and then the stream
    works as before; an error that ended the context keeps its own kind.
    """
    from cuda.bindings import driver

    try:
        graph = _captured(driver, stream.handle, enqueue)
        try:
            executable = _instantiated(driver, graph)
        finally:
            driver.cuGraphDestroy(graph)
    except DriverError as error:
        raise _refused(error) from error
    context.at_close(partial(driver.cuGraphExecDestroy, executable))
    return _launcher(driver, executable, stream.handle)


def _captured(driver: Any, handle: int, enqueue: Call) -> Any:
    """Return the CUgraph of what `enqueue` does on the stream; the capture is ended in any case.

    Thread-local: other threads of a runtime may allocate meanwhile, but a call of this one that a
    graph cannot hold (an allocation, a wait) must be refused, for relaxed capture would leave it
    out in silence.
    """
    mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
    checked("cuStreamBeginCapture", driver.cuStreamBeginCapture(handle, mode))
    try:
        enqueue()
    except Exception as error:
        driver.cuStreamEndCapture(handle)
        raise _refused(error) from error
    graph = checked("cuStreamEndCapture", driver.cuStreamEndCapture(handle))
    _, nodes = checked("cuGraphGetNodes", driver.cuGraphGetNodes(graph))
    if not nodes:
        driver.cuGraphDestroy(graph)
        raise CaptureError("the captured CUDA graph is empty: the query ran elsewhere", _HINT)
    return graph


def _instantiated(driver: Any, graph: Any) -> Any:
    return checked("cuGraphInstantiate", driver.cuGraphInstantiate(graph, 0))


def _launcher(driver: Any, executable: Any, handle: int) -> Call:
    launch, success = driver.cuGraphLaunch, driver.CUresult.CUDA_SUCCESS
    stream = driver.CUstream(handle)

    def call() -> None:
        answer = launch(executable, stream)
        if answer[0] != success:
            checked("cuGraphLaunch", answer)

    return call


def _refused(error: Exception) -> EngineError:
    meaning = explain(error, default="build")
    if meaning.kind in {"crash", "out-of-memory"}:
        return meaning
    return CaptureError(f"the CUDA graph could not be captured: {meaning.message}", _HINT)
