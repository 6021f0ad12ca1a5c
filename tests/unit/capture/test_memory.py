"""The allocator is told to keep what is freed, where it can be told."""

import ctypes

import pytest

from hourglass.capture.memory import keep_freed_memory


def test_an_allocator_without_the_switch_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On musl, macOS and Windows there is no mallopt, or no C library to ask."""
    keep_freed_memory()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory()

    def _none(_: object) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", _none)
    keep_freed_memory()
