"""Lines on a terminal and for other readers."""

import sys

from harness.cli.lines import print_line

LONG = "skip  2 cases  sm90  tensorrt-rtx: it builds for others, not for sm90"


BROKEN = """\
skip  2 cases  sm90  tensorrt-rtx:
        it builds for others, not
        for sm90
"""


def test_a_terminal_has_lines_broken_between_words(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "36")
    print_line(LONG)
    assert capsys.readouterr().out == BROKEN


def test_other_readers_have_them_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "36")
    print_line(LONG)
    assert capsys.readouterr().out == f"{LONG}\n"
