"""What a window is compared with: the fixed baseline, or windows of its own past."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from hourglass.capture.window import Window
from hourglass.errors import InputError, did_you_mean

_DAY = timedelta(days=1)
_STEPS = {"hour-of-day": _DAY, "hour-of-week": 7 * _DAY}
_FORMS = ("baseline", "previous", "last:N", "hour-of-day:N", "hour-of-week:N")


@dataclass(frozen=True)
class Reference:
    """A rule for the windows that a window is compared with; `count` of them are added up.

    >>> str(Reference("hour-of-week", 4))
    'hour-of-week:4'
    """

    kind: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.kind}:{self.count}" if self.kind in {"last", *_STEPS} else self.kind

    @property
    def is_baseline(self) -> bool:
        """Whether it is the fixed baseline, which no window stands for."""
        return self.kind == "baseline"

    def need_length(self, length: timedelta) -> None:
        """ValueError when windows of a length would overlap with their own reference."""
        step = _STEPS.get(self.kind)
        if step is not None and length > step:
            raise ValueError(f"reference: found {self} for a window of {length}; expected one of at most {step}")

    def windows(self, window: Window, length: timedelta | None = None) -> Iterator[Window]:
        """The windows to add up, the latest first; ValueError when they would overlap with the window itself.

        The last N, of the `length` that the window will have when it is over, are one long window; those of the same hour
        lie days or weeks apart, since traffic has seasons.
        """
        if self.kind in {"previous", "last"}:
            yield Window(window.start - self.count * (length or window.end - window.start), window.start)
            return
        self.need_length(window.end - window.start)
        step = _STEPS[self.kind]
        for number in range(1, self.count + 1):
            yield Window(window.start - number * step, window.end - number * step)


BASELINE = Reference("baseline")


def parse_reference(text: str) -> Reference:
    """A reference as the settings spell it.

    >>> parse_reference("last:7")
    Reference(kind='last', count=7)
    """
    found = re.fullmatch(r"(baseline|previous)|(last|hour-of-day|hour-of-week):(\d{1,4})", text.strip().lower())
    if not found or found[3] == "0":
        known = ", ".join(_FORMS)
        raise InputError("reference", found=repr(text), expected=known, hint=did_you_mean(text.partition(":")[0], _FORMS))
    return Reference(found[1]) if found[1] else Reference(found[2], int(found[3]))
