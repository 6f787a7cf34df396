"""A child's main loop: answer verbs until `close`, or until the parent is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engines.contract import EngineError
from harness.wire import ClosedError, Message, receive, send

Verb = Callable[[Mapping[str, Any]], Message]
Verbs = Mapping[str, Verb]
Explain = Callable[[Exception], EngineError]


def serve(read_fd: int, write_fd: int, verbs: Verbs, explain: Explain) -> None:
    """Answer each message by the verb it names; an exception becomes an answer with `error`."""
    verb = ""
    while verb != "close":
        try:
            message = receive(read_fd)
        except ClosedError:
            return
        verb = message.header["verb"]
        try:
            reply = verbs[verb](message.header)
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises becomes an answer
            failure = explain(error)
            named = {"kind": failure.kind, "message": failure.message, "hint": failure.hint}
            reply = Message(header={"error": named})
        send(write_fd, reply)
