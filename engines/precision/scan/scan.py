"""One recurrence as a MatMul over the whole sequence and a Scan with the recurrent product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

from engines.precision.scan.cell import step

if TYPE_CHECKING:
    from engines.precision.scan.recurrence import Direction, Recurrence
    from engines.precision.scan.section import Section


def write_scan(section: Section, recurrence: Recurrence, used: Set[str]) -> list[str]:
    """Write a recurrence's nodes; return the names of its Scans, one for each direction.

    Of the operator's outputs those that are among the `used` names are written.
    """
    x = recurrence.x
    if recurrence.batch_first:
        x = section.node("Transpose", [x], "time_first", perm=[1, 0, 2])
    initial = [("initial_h", recurrence.initial_h)]
    if recurrence.op == "LSTM":
        initial.append(("initial_c", recurrence.initial_c))
    zero = "" if all(given for _, given in initial) else _zero(section, recurrence, x)
    scans, parts = [], []
    for i, direction in enumerate(recurrence.directions):
        way = "reverse" if direction.reverse else "forward"
        states = [
            _initial(section, given, i, f"{way}.{name}", recurrence) if given else zero
            for name, given in initial
        ]
        projected = _project(section, direction, x, way)
        scans.append(section.named(f"{way}.scan"))
        parts.append(
            _scan(section, recurrence, direction, [*states, projected], every=recurrence.y in used)
        )
    _outputs(section, recurrence, parts, used)
    return scans


def _project(section: Section, direction: Direction, x: str, way: str) -> str:
    """Write the input's share of every step's gates [sequence, batch, gates × hidden]."""
    weight = section.constant(f"{way}.W", direction.inputs)
    product = section.node("MatMul", [x, weight], f"{way}.product")
    if direction.bias is None:
        return product
    bias = section.constant(f"{way}.B", direction.bias)
    return section.node("Add", [product, bias], f"{way}.projection")


def _zero(section: Section, recurrence: Recurrence, x: str) -> str:
    """Write an initial state [batch, hidden] of zeros."""
    shape = section.node("Shape", [x], "x_shape")
    batch = section.node("Gather", [shape, section.integers("batch_axis", 1)], "batch", axis=0)
    width = section.integers("hidden", recurrence.hidden)
    size = section.node("Concat", [batch, width], "state_shape", axis=0)
    return section.node("ConstantOfShape", [size], "zero_state")


def _initial(section: Section, given: str, i: int, name: str, recurrence: Recurrence) -> str:
    """Write one direction's initial state [batch, hidden]."""
    index = section.integers(f"{name}.axis_index", i)
    axis = _direction_axis(recurrence)
    picked = section.node("Gather", [given, index], f"{name}.picked", axis=axis)
    return section.node("Squeeze", [picked, section.integers(f"{name}.axis", axis)], name)


def _scan(
    section: Section,
    recurrence: Recurrence,
    direction: Direction,
    inputs: Sequence[str],
    *,
    every: bool,
) -> dict[str, str]:
    """Write one direction's Scan; return its tensors by the operator's outputs."""
    way = "reverse" if direction.reverse else "forward"
    kinds = ["Y_h", *(["Y_c"] if recurrence.op == "LSTM" else []), *(["Y"] if every else [])]
    attributes: dict[str, object] = {"num_scan_inputs": 1}
    if direction.reverse:
        attributes["scan_input_directions"] = [1]
        if every:
            attributes["scan_output_directions"] = [1]
    outputs = section.node_of_many(
        "Scan",
        inputs,
        f"{way}.scan",
        [section.named(f"{way}.{kind}") for kind in kinds],
        body=step(recurrence, direction, section.named(f"{way}.step"), every_state=every),
        **attributes,
    )
    return dict(zip(kinds, outputs, strict=True))


def _outputs(
    section: Section, recurrence: Recurrence, parts: Sequence[Mapping[str, str]], used: Set[str]
) -> None:
    """Write the operator's outputs, those that something uses."""
    axis = _direction_axis(recurrence)
    for kind, name in (("Y_h", recurrence.y_h), ("Y_c", recurrence.y_c)):
        if name in used:
            _stack(section, [part[kind] for part in parts], kind, axis, name)
    if recurrence.y in used:
        states = [part["Y"] for part in parts]
        if recurrence.batch_first:
            stacked = _stack(section, states, "Y", 1, "")
            section.node("Transpose", [stacked], "Y", output=recurrence.y, perm=[2, 0, 1, 3])
        else:
            _stack(section, states, "Y", 1, recurrence.y)


def _stack(section: Section, parts: Sequence[str], kind: str, axis: int, output: str) -> str:
    """Write the directions' tensors side by side along a new axis."""
    new_axis = section.integers(f"{kind}.axis", axis)
    single = len(parts) == 1
    wide = [
        section.node(
            "Unsqueeze", [part, new_axis], f"{kind}.part{i}", output=output if single else ""
        )
        for i, part in enumerate(parts)
    ]
    if single:
        return wide[0]
    return section.node("Concat", wide, f"{kind}.stacked", output=output, axis=axis)


def _direction_axis(recurrence: Recurrence) -> int:
    """Return the axis of directions in states: [directions, batch, hidden] but for layout 1."""
    return 1 if recurrence.batch_first else 0
