"""A model as its library has it, before anybody has looked at its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hourglass.errors import shorten
from hourglass.models.rows import Rows


@dataclass(frozen=True)
class Loaded:
    """What a kind of model makes of a source.

    `shape` turns rows into what the library takes, and `ask` that into whatever the library answers.
    """

    kind: str
    shape: Callable[[Rows], Any]
    ask: Callable[[Any], Any]
    names: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    estimator: Any = None


def told(fault: Exception) -> str:
    r"""A library's failure in one line, without the addresses in C++ that some add.

    >>> told(ValueError("bad shape:\n  (3, 2)\nStack trace:\n  [bt] (0) lib.so(0x1)"))
    'ValueError: bad shape: (3, 2)'
    """
    return f"{type(fault).__name__}: {shorten(' '.join(str(fault).partition('Stack trace:')[0].split()))}"
