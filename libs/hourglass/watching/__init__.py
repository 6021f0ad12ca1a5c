"""Watching the monitor itself: who sees a run's stages, as the settings ask. One kind of watcher a file; all are off by default."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hourglass import logs
from hourglass.settings import Settings
from hourglass.stages import watched_by
from hourglass.watching.lineage import Lineage
from hourglass.watching.log_lines import LogLines
from hourglass.watching.run import Run
from hourglass.watching.telemetry import Telemetry

WATCHERS = (LogLines, Telemetry, Lineage)


@contextmanager
def watched(settings: Settings, job: str) -> Iterator[None]:
    """Has a run's stages seen by the watchers that its settings ask for."""
    if settings.log_format is not None:
        logs.install(settings.log_format)
    run = Run(settings, job)
    asked = [watcher for kind in WATCHERS if (watcher := kind.asked(run)) is not None]
    logs.bind(run.context)
    try:
        with watched_by(*asked):
            yield
    finally:
        logs.bind({})
