"""How a run ends when it is told to: a signal becomes an exception, which waits while files are put in their places."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

ASKED_TO_STOP = signal.SIGINT, signal.SIGTERM


class Stopped(KeyboardInterrupt):
    """SIGTERM: what a platform sends to a container that is to end.

    As a KeyboardInterrupt it is nobody's error to retry or to warn of, and it passes where a person's Ctrl-C does.
    """


def stop_on_sigterm() -> None:
    """Makes SIGTERM an exception, as Python does with SIGINT; process 1 of a container would not hear it at all."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not disturb what the first one has begun
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):  # Spark's cancels its jobs; pyspark would wait for their end
        with suppress(KeyboardInterrupt, Exception):  # Java may be gone, or its session over
            interrupt(signal.SIGINT, frame)
    raise Stopped(signal.Signals(number).name)


def stopped_before(fault: BaseException) -> KeyboardInterrupt | None:
    """The signal whose consequence a failure is, as that of a job that it has cancelled."""
    before: BaseException | None = fault
    while before is not None and not isinstance(before, KeyboardInterrupt):
        before = before.__context__
    return before


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts off signals until the block has ended: for moments in which files are put in their places."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ASKED_TO_STOP}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not Python's
        if came:
            signal.raise_signal(came[0])
