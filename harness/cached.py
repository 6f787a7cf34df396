"""Taking a thing out of the cache or making it, with what went wrong as an outcome."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engines.cache.entry import BadBuildError
from engines.cache.folder import probe
from harness.child import ChildError
from harness.outcome import failed
from results.record import Failed
from suites.errors import reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from engines.cache.cache import Build, EngineCache, Found, Request


def obtain(
    cache: EngineCache, request: Request, build: Build, stop: Event, *, anew: bool = False
) -> Found | Failed:
    """Return what the cache has or `build` makes, or why there is nothing.

    A disk that is full or broken is told as that, which runtimes seldom say.
    """
    try:
        return cache.obtain(request, build, given_up=stop.is_set, anew=anew)
    except ChildError as error:
        return failed(error if (full := _disk(cache, error)) is None else full)
    except BadBuildError as error:
        return Failed(kind="build", message=str(error), hint="Tell the backend's makers.")
    except OSError as error:
        return failed(_disk_error(cache, error))


def _disk(cache: EngineCache, error: ChildError) -> ChildError | None:
    """Return that the disk was the reason of a failed build, or None."""
    try:
        probe(cache.folder)
    except OSError as found:
        return _disk_error(cache, found, f" ({error.message})")
    return None


def _disk_error(cache: EngineCache, error: OSError, more: str = "") -> ChildError:
    """Return the failure; a full disk names no file, but it is the cache's."""
    root = cache.folder.root
    path = Path(error.filename or root)
    option = "--cache" if path.is_relative_to(root) else "--store"
    return ChildError(
        "disk",
        f"{path}: {reason(error)}{more}",
        f"Mend that, or name another folder with {option}.",
    )


@contextmanager
def set_on_error(stop: Event) -> Iterator[None]:
    """Tell those who wait for other builders when the body is left by an exception (Ctrl-C)."""
    try:
        yield
    except BaseException:
        stop.set()
        raise
