"""Stages are seen by whoever watches, and nobody who watches can harm them."""

from __future__ import annotations

import pytest

from hourglass.stages import Done, stage, watched_by


class Seen:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def begins(self, stage: str) -> None:
        self.seen.append(f"{stage} begins")

    def ends(self, done: Done) -> None:
        self.seen.append(f"{done.stage} {'fails' if done.fault else 'ends'}")


@stage("inner")
def inner(text: str) -> int:
    return int(text)


@stage("outer")
def outer(text: str) -> int:
    return inner(text) + 1


def test_a_stage_lies_in_the_one_that_called_it() -> None:
    """Begin and end of each, in order, for every watcher; outside of the watch nothing is seen."""
    one, two = Seen(), Seen()
    with watched_by(one, two):
        assert outer("1") == 2
    outer("1")
    assert one.seen == two.seen == ["outer begins", "inner begins", "inner ends", "outer ends"]


def test_what_fails_fails_as_without_a_watcher() -> None:
    """All stages around it end too."""
    seen = Seen()
    with watched_by(seen), pytest.raises(ValueError, match="'x'"):
        outer("x")
    assert seen.seen[2:] == ["inner fails", "outer fails"]


def test_a_watcher_that_fails_is_said_and_the_run_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    """The others see everything."""

    class Failing(Seen):
        def begins(self, stage: str) -> None:
            raise OSError(stage)

    seen = Seen()
    with watched_by(Failing(), seen):
        assert inner("1") == 1
    assert seen.seen == ["inner begins", "inner ends"]
    assert capfd.readouterr().err == "hourglass: warning: failing: OSError: inner; the run goes on\n"
