"""What the simulated machine is like and what goes wrong on it, from variables `SIMULATED_…`."""

import os
from collections import Counter
from dataclasses import dataclass, fields

PREFIX = "SIMULATED_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The machine's properties; a child process finds them in its environment.

    `fail` lists words such as `capture` or `compute@30`, with commas between them: a word alone
    fails at every call, `word@30` at the thirtieth call of a process alone. Each stand-in's file
    says which words it asks for.
    """

    clock: str = "real"
    """`real`: device work takes real time. `virtual`: time passes in the calls alone."""
    devices: int = 1
    name: str = "Simulated GPU"
    sm: str = "sm90"
    memory_bytes: int = 8 << 30
    l2_bytes: int = 4 << 20
    driver: str = "580.65.06"
    cuda_driver: int = 13000
    compute_ns: int = 200_000
    """Device time of a query."""
    enqueue_ns: int = 5_000
    """Host time of enqueueing a query."""
    launch_ns: int = 1_000
    """Host time of launching a captured graph."""
    copy_ns: int = 10_000
    """Device time of a copy between host and device."""
    memset_ns: int = 20_000
    """Device time of overwriting a buffer."""
    fail: str = ""

    @classmethod
    def from_environment(cls):
        given = {
            each.name: os.environ[PREFIX + each.name.upper()]
            for each in fields(cls)
            if PREFIX + each.name.upper() in os.environ
        }
        types = {each.name: each.type for each in fields(cls)}
        return cls(**{name: types[name](text) for name, text in given.items()})


class Failures:
    """Whether the call that is being made fails: counts calls by word."""

    def __init__(self, text):
        self._calls = Counter()
        self._at = {}
        for each in filter(None, text.split(",")):
            word, _, nth = each.partition("@")
            self._at[word] = int(nth) if nth else None

    def __call__(self, word):
        self._calls[word] += 1
        return word in self._at and self._at[word] in (None, self._calls[word])
