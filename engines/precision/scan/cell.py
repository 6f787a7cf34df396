"""One step of an RNN, GRU or LSTM, as the body of a Scan: the equations of ONNX's operators.

Every step's share of the input, `X W + bias`, comes in computed already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engines.precision.scan.recurrence import GATES
from engines.precision.scan.section import Section

if TYPE_CHECKING:
    from onnx import GraphProto

    from engines.precision.scan.recurrence import Direction, Recurrence


def step(
    recurrence: Recurrence, direction: Direction, prefix: str, *, every_state: bool
) -> GraphProto:
    """Return the body: from (h, c of an LSTM, x) to (h, c, and h once more for `every_state`)."""
    section = Section(prefix)
    hidden, op = recurrence.hidden, recurrence.op
    h, c, x = (section.named(name) for name in ("h", "c", "x"))
    if op == "LSTM":
        states, after = [h, c], _lstm(section, direction, h, c, x)
    elif op == "GRU":
        states, after = [h], [_gru(section, direction, h, x, reset_after=recurrence.reset_after)]
    else:
        states, after = [h], [_rnn(section, direction, h, x)]
    if every_state:
        after = [*after, section.node("Identity", [after[0]], "every_h")]
    inputs = [*((state, hidden) for state in states), (x, GATES[op] * hidden)]
    return section.body(inputs, [(name, hidden) for name in after])


def _rnn(section: Section, direction: Direction, h: str, x: str) -> str:
    product = section.node("MatMul", [h, section.constant("R", direction.states)], "product")
    return section.node("Tanh", [section.node("Add", [product, x], "sum")], "next_h")


def _lstm(section: Section, direction: Direction, h: str, c: str, x: str) -> list[str]:
    product = section.node("MatMul", [h, section.constant("R", direction.states)], "product")
    total = section.node("Add", [product, x], "gates")
    parts = [direction.states.shape[0]] * 4
    into, out, forget, new = section.split(total, parts, ("in", "out", "forget", "new"))
    into, out, forget = (
        section.node("Sigmoid", [gate], name)
        for gate, name in ((into, "in_gate"), (out, "out_gate"), (forget, "forget_gate"))
    )
    new = section.node("Tanh", [new], "new_c")
    kept = section.node("Mul", [forget, c], "kept_c")
    added = section.node("Mul", [into, new], "added_c")
    next_c = section.node("Add", [kept, added], "next_c")
    seen = section.node("Tanh", [next_c], "seen_c")
    return [section.node("Mul", [out, seen], "next_h"), next_c]


def _gru(section: Section, direction: Direction, h: str, x: str, *, reset_after: bool) -> str:
    hidden = direction.states.shape[0]
    x_gates, x_new = section.split(x, [2 * hidden, hidden], ("x_gates", "x_new"))
    if reset_after:
        weight = section.constant("R", direction.states)
        product = section.node("MatMul", [h, weight], "product")
        h_gates, h_new = section.split(product, [2 * hidden, hidden], ("h_gates", "h_new"))
    else:
        weight = section.constant("R_gates", direction.states[:, : 2 * hidden])
        h_gates, h_new = section.node("MatMul", [h, weight], "h_gates"), ""
    total = section.node("Sigmoid", [section.node("Add", [h_gates, x_gates], "sum")], "gates")
    update, reset = section.split(total, [hidden, hidden], ("update", "reset"))
    if reset_after:
        if direction.state_bias is not None:
            bias = section.constant("R_bias", direction.state_bias)
            h_new = section.node("Add", [h_new, bias], "biased_new")
        candidate = section.node("Mul", [reset, h_new], "reset_new")
    else:
        shown = section.node("Mul", [reset, h], "reset_h")
        weight = section.constant("R_new", direction.states[:, 2 * hidden :])
        candidate = section.node("MatMul", [shown, weight], "product")
    new = section.node("Tanh", [section.node("Add", [x_new, candidate], "new_sum")], "new_h")
    change = section.node("Sub", [h, new], "change")
    return section.node("Add", [new, section.node("Mul", [update, change], "kept_h")], "next_h")
