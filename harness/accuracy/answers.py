"""A case's accuracy: a pass of its own, on the case's engine, with nothing timed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.accuracy.batches import Batches
from harness.accuracy.parity import ParityError, parity
from harness.accuracy.reference import BACKEND, NoReferenceError, Reference, infer
from harness.accuracy.scores import NoScorerError, ScoreError, scores
from harness.launch import open_worker
from harness.worker import load_inputs
from results.accuracy import AccuracyRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engines.contract import Backend
    from harness.launch import Workplace
    from harness.prepare.models import Prepared
    from harness.staging import Ready
    from results.accuracy import OutputParity, TaskScore
    from suites.case import Case
    from suites.datasets.samples import Samples
    from suites.signature import Signature

    Array = NDArray[Any]
    Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a case's answers.

    `own` is the model as it came, which the reference runs, and `signature` what it takes and gives
    with the suite's `dims`. `samples` are those that judge, None without any; labelled ones are
    scored. `parity` says whether the case is compared with the reference: on the first of them,
    else on the case's inputs.
    """

    own: Prepared
    signature: Signature
    samples: Samples | None
    parity: bool

    @property
    def labelled(self) -> bool:
        """Return whether there is something to score."""
        return self.samples is not None and self.samples.labels is not None


def wants_parity(case: Case, own: str, backend: Backend) -> bool:
    """Return whether a case's answers can differ from the reference's: unless they are the same.

    `own` is the precision that the model came in. A simulated backend answers nothing of a model.
    """
    return not backend.simulated and (case.backend, case.precision) != (BACKEND, own)


def run_accuracy(ready: Ready, workplace: Workplace, question: Question) -> AccuracyRecord:
    """Return what the case's answers are worth. Raises ChildError where its session fails.

    What goes wrong with the reference or the data set is a reason in the record; `reference` is
    there the name of why there are no scores of the reference.
    """
    started_at = time.time()
    reference = Reference(
        own=question.own, case=ready.planned.case, inputs=ready.inputs, workplace=workplace
    )
    skipped: dict[str, str] = {}
    batches = _batches(ready, question, skipped)
    given = _given(ready, workplace, question, batches, skipped)
    compared = _compared(reference, batches, given.outputs, skipped) if question.parity else ()
    task = None
    if batches is not None and given.answers is not None:
        task = _scored(reference, batches, given.answers, skipped)
    on = f", on samples of {batches.samples.name}" if batches else ""
    return AccuracyRecord(
        attempt=0,
        started_at=started_at,
        reference=f"{reference.told}{on}" if compared or (task and task.reference) else "",
        parity=compared,
        task=task,
        skipped=skipped,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What a case answered: its outputs to the query of parity, and to every sample."""

    outputs: Arrays
    answers: Array | None


def _batches(ready: Ready, question: Question, skipped: dict[str, str]) -> Batches | None:
    """Return the data set as queries; `skipped` takes why it does not fit the case."""
    samples = question.samples
    if samples is None or not (question.labelled or question.parity):
        return None
    stored = ready.inputs
    inputs = load_inputs({"path": stored.path, "names": stored.names, "dtypes": stored.dtypes})
    batches = Batches(samples=samples, signature=question.signature, inputs=inputs)
    try:
        batches.first()
    except ScoreError as error:
        if question.labelled:
            skipped["task"] = str(error)
        return None
    return batches


def _given(
    ready: Ready,
    workplace: Workplace,
    question: Question,
    batches: Batches | None,
    skipped: dict[str, str],
) -> _Given:
    """Run the case's engine where there is something to run it for. Raises ChildError.

    Parity is that of the data set's first query where there is one: a model that was calibrated on
    data may clip what is none.
    """
    outputs: Arrays = {}
    answers: Array | None = None
    if not question.parity and batches is None:
        return _Given(outputs=outputs, answers=answers)
    timeout_s = workplace.measure.timeout_s
    with open_worker(ready, workplace) as opened:
        if question.parity:
            outputs = infer(opened.child, timeout_s, batches.first() if batches else None)
        if batches is not None and question.labelled:
            try:
                answers = batches.answers(partial(infer, opened.child, timeout_s))
            except ScoreError as error:
                skipped["task"] = str(error)
        opened.child.ask("close", timeout_s=timeout_s)
    return _Given(outputs=outputs, answers=answers)


def _compared(
    reference: Reference, batches: Batches | None, outputs: Arrays, skipped: dict[str, str]
) -> tuple[OutputParity, ...]:
    try:
        return parity(reference.answers(batches.first() if batches else None), outputs)
    except (NoReferenceError, ParityError) as error:
        skipped["parity"] = str(error)
        return ()


def _scored(
    reference: Reference, batches: Batches, answers: Array, skipped: dict[str, str]
) -> TaskScore | None:
    """Return the scores, beside the reference's where it has any; `skipped` takes why not."""
    try:
        found = scores(batches.samples, answers)
    except NoScorerError as error:
        skipped["setup"] = str(error)
        return None
    except ScoreError as error:
        skipped["task"] = str(error)
        return None
    try:
        right = scores(batches.samples, reference.scored(batches))
    except (NoReferenceError, ScoreError) as error:
        skipped["reference"] = str(error)
        return found
    return replace(found, reference=right.metrics)
