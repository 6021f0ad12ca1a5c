"""A user's own statistics and comparisons: a Python file that registers them with the same decorators as ours."""

from __future__ import annotations

from hourglass.capture.hooks import Script

_registered: set[Script] = set()


def register_own_metrics(path: str) -> None:
    """Runs the file, whose decorators fill the registries; HookError, with its own traceback, when it fails.

    Only a path that the settings name is ever run, in the driver, and once in a process: statistics and comparisons are
    functions of states that are already there.
    """
    script = Script.read(path)
    if script not in _registered:
        script.load()
        _registered.add(script)
