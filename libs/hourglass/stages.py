"""The stages of a run: a function says once, where it is written, which stage it is, and whoever watches the run sees it.

The monitors and the merge know nothing of logs, telemetry or lineage; those know nothing of monitors. Without a watcher a
stage is the function itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from hourglass.errors import HourglassError
from hourglass.logs import warn

P = ParamSpec("P")
R = TypeVar("R")

RUN = "run"  # the stage around all others


@dataclass(frozen=True)
class Done:
    """A stage that has ended: how long it took, what it gave or which fault it ended with, and numbers of what it did."""

    stage: str
    seconds: float
    result: Any = None
    fault: BaseException | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Watcher(Protocol):
    """Whoever wants to know of the stages of a run, from their begin to their end."""

    def begins(self, stage: str) -> None:
        """A stage begins; it lies in those that have begun and not ended."""
        ...

    def ends(self, done: Done) -> None:
        """The stage that began last ends."""
        ...


_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


@contextmanager
def watched_by(*watchers: Watcher) -> Iterator[None]:
    """Has watchers see the stages that run inside."""
    token = _watchers.set((*_watchers.get(), *watchers))
    try:
        yield
    finally:
        _watchers.reset(token)


def stage(name: str, facts: Callable[[Any], Mapping[str, Any]] = lambda _: {}) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function a stage of the run; `facts` gives the numbers of what it did from what it gave.

    >>> @stage("count", facts=lambda found: {"records": len(found)})
    ... def count(text):
    ...     return text.split()
    >>> class Printing:
    ...     def begins(self, stage):
    ...         print(stage)
    ...
    ...     def ends(self, done):
    ...         print(done.stage, dict(done.facts))
    >>> with watched_by(Printing()):
    ...     count("a b")
    count
    count {'records': 2}
    ['a', 'b']
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if not _watchers.get():
                return function(*args, **kwargs)
            _tell(lambda watcher: watcher.begins(name))
            start = time.perf_counter()
            try:
                result = function(*args, **kwargs)
            except BaseException as fault:
                done = Done(name, time.perf_counter() - start, fault=fault)
                _tell(lambda watcher: watcher.ends(done))
                raise
            seconds = time.perf_counter() - start
            _tell(lambda watcher: watcher.ends(Done(name, seconds, result, facts=facts(result))))
            return result

        return run

    return decorate


def _tell(what: Callable[[Watcher], None]) -> None:
    """Tells all watchers; one that fails must not fail the run that it watches."""
    for watcher in _watchers.get():
        try:
            what(watcher)
        except Exception as fault:  # noqa: BLE001 whatever it is, the run goes on, and it is said
            said = str(fault) if isinstance(fault, HourglassError) else f"{type(fault).__name__}: {fault}"
            warn(f"{type(watcher).__name__.lower()}: {said}; the run goes on")
