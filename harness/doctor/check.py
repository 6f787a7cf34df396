"""What makes a function a check, and where the checks are found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from harness.doctor import checks as folder
from harness.doctor.finding import Finding, unknown
from harness.doctor.observation import Observation
from harness.machine.reading import Facts, UnknownFactError

Judge = Callable[[Observation], Finding]
GpuJudge = Callable[[Facts, Observation], Finding]

_ASK_NVIDIA = "nvidia-smi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question about a machine; one that is asked of each GPU may have several answers."""

    id: str
    answers: Callable[[Observation], Iterator[Finding]]

    def __call__(self, seen: Observation) -> tuple[Finding, ...]:
        """Return the findings under the check's id."""
        return tuple(replace(finding, id=self.id) for finding in self.answers(seen))


def check(name: str) -> Callable[[Judge], Check]:
    """Make a function that judges an observation the check of that id.

    Where it raises UnknownFactError, the answer is unknown for that reason.
    """

    def make(judge: Judge) -> Check:
        def answers(seen: Observation) -> Iterator[Finding]:
            yield _answer(partial(judge, seen))

        return Check(id=name, answers=answers)

    return make


def gpu_check(name: str) -> Callable[[GpuJudge], Check]:
    """Make a function that judges one GPU the check of that id; GPUs alike share a finding."""

    def make(judge: GpuJudge) -> Check:
        def answers(seen: Observation) -> Iterator[Finding]:
            alike: dict[Finding, list[int]] = {}
            for number, gpu in enumerate(seen.gpus):
                finding = _answer(partial(judge, gpu, seen))
                alike.setdefault(finding, []).append(number)
            for finding, numbers in alike.items():
                several = len(seen.gpus) > 1
                yield _of(finding, numbers) if several else finding

        return Check(id=name, answers=answers)

    return make


def _of(finding: Finding, numbers: Sequence[int]) -> Finding:
    """Return the finding with the GPUs it is of, its command for those only."""
    which = f" -i {','.join(map(str, numbers))}"
    return replace(
        finding,
        finding=f"GPU {', '.join(map(str, numbers))}: {finding.finding}",
        command=finding.command.replace(_ASK_NVIDIA, f"{_ASK_NVIDIA}{which}"),
    )


@cache
def all_checks() -> tuple[Check, ...]:
    """Return the checks of every file in the folder `checks`, in the order they stand there."""
    files = (module.name for module in pkgutil.iter_modules(folder.__path__))
    modules = [importlib.import_module(f"{folder.__name__}.{file}") for file in files]
    return tuple(each for module in modules for each in vars(module).values() if _is_check(each))


def _is_check(value: object) -> bool:
    return isinstance(value, Check)


def _answer(judge: Callable[[], Finding]) -> Finding:
    try:
        return judge()
    except (UnknownFactError, ValueError, LookupError, ArithmeticError) as error:
        return unknown(str(error))
