"""Failure as a value: a statistic that cannot be computed says why, and never passes as clean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Undefined:
    """The result of a statistic or comparison that cannot be computed.

    >>> Undefined("no rows")
    Undefined(reason='no rows')
    """

    reason: str
