"""What `dyno backends` tells of backends that are here, that are not, and that can only build."""

from types import SimpleNamespace

import pytest

from engines import registry
from engines.contract import Option
from engines.registry import UnknownBackendError
from harness.cli.backends import command

OPTIONS = (
    Option(name="graph", default=False, choices=(False, True), help="one launch"),
    Option(name="library", default="", help="its path"),
    Option(name="level", default=2, help="how far", by_precision=(("fp8", 1), ("fp8-fp16", 0))),
)


@pytest.fixture
def told(monkeypatch, capsys):
    """Have one backend, `engine`; returns a function that gives what is printed of it."""

    def tell(*names, unavailable=None, builds_for=(), device="cuda"):
        backend = SimpleNamespace(
            name="engine",
            device=device,
            simulated=False,
            options=OPTIONS,
            unavailable=lambda: unavailable,
            cannot_build=lambda target: None if target.sm in builds_for else "no",
        )
        monkeypatch.setattr(registry, "names", lambda: ("engine",))
        monkeypatch.setattr(registry, "get", {"engine": backend}.__getitem__)
        command(list(names))
        return capsys.readouterr().out

    return tell


def test_a_backend_is_told_with_the_names_of_its_options(told):
    assert told() == "engine  available\n    options: graph, library, level\n"


def test_one_that_cannot_run_but_build_says_for_what(told):
    assert told(unavailable="no driver.", builds_for=("sm86", "sm120")) == (
        "engine  unavailable: no driver.\n"
        "    builds ahead here, with dyno build --target: sm86, sm120\n"
        "    options: graph, library, level\n"
    )


def test_one_that_can_do_neither_says_what_it_lacks(told):
    assert told(unavailable="no driver.") == (
        "engine  unavailable: no driver.\n    options: graph, library, level\n"
    )


def test_a_backend_of_another_device_builds_for_no_target(told):
    assert told(unavailable="not here.", builds_for=("sm86",), device="cpu") == (
        "engine  unavailable: not here.\n    options: graph, library, level\n"
    )


def test_the_options_of_a_backend_that_is_named_are_explained(told):
    assert told("engine") == (
        "engine  available\n"
        "    graph: false|true, default false - one launch\n"
        "    library: str, default empty - its path\n"
        "    level: int, default 2, 1 for fp8, 0 for fp8-fp16 - how far\n"
    )


def test_an_unknown_name_is_refused():
    with pytest.raises(UnknownBackendError, match=r"got 'tensort'\. Did you mean 'tensorrt'\?$"):
        command(["tensort"])
