from __future__ import annotations

import io
import sys
import time

import pytest
from gonogo.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_work_shows_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("checking", delay_seconds=0.01):
        deadline = time.monotonic() + 10
        while "checking" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert "checking" in terminal.getvalue()


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress("checking"):
        pass
    assert terminal.getvalue() == ""


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = io.StringIO()
    monkeypatch.setattr(sys, "stderr", silent)
    with progress("checking", delay_seconds=0.0):
        time.sleep(0.05)
    assert silent.getvalue() == ""


def test_an_error_inside_ends_it() -> None:
    with pytest.raises(KeyError), progress("checking"):
        raise KeyError
