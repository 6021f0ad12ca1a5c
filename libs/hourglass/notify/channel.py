"""What a channel is, the registry of the kinds that there are, and the way from a target's spelling to its channel."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hourglass.errors import InputError, shorten
from hourglass.http_post import NotDelivered, shown
from hourglass.notify.notice import Notice

_SEEN = 8  # letters of what may be an address with a slip in it

Send = Callable[[Notice, str], str]


@dataclass(frozen=True)
class Channel:
    """A registered kind of target: how one is spelled, and the function that tells it.

    The function returns what a person should know of a delivery, "" for one as any other.
    """

    name: str
    spelled: str
    pattern: re.Pattern[str]
    send: Send
    check: Callable[[str], None]


_channels: dict[str, Channel] = {}
CHANNELS: Mapping[str, Channel] = MappingProxyType(_channels)


def channel(name: str, *, pattern: str, spelled: str, check: Callable[[str], None] = lambda _: None) -> Callable[[Send], Send]:
    """Registers a function that tells the targets that are spelled like `pattern`; `check` raises InputError for impossible ones."""

    def register(send: Send) -> Send:
        if name in _channels:
            raise ValueError(f"two channels are called {name!r}")
        _channels[name] = Channel(name, spelled, re.compile(pattern), send, check)
        return send

    return register


def channel_of(target: str) -> Channel:
    """The channel of a target; InputError for one that none takes.

    >>> channel_of("arn:aws:sns:eu-west-1:123456789012:alarms").name
    'SNS topic'
    """
    found = next((one for one in CHANNELS.values() if one.pattern.fullmatch(target)), None)
    if found is None:
        known = ", ".join(f"{one.spelled} ({one.name})" for one in CHANNELS.values())
        raise InputError("target", found=repr(shorten(label(target), 80)), expected=f"one of {known}")
    found.check(target)
    return found


def channel_targets(text: str) -> tuple[str, ...]:
    """The targets in a text with commas, each once; InputError for the first one that no channel takes."""
    targets = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for target in targets:
        channel_of(target)
    return targets


def label(target: str) -> str:
    """A target as people may see it: of an address only the host, and of what is neither address nor ARN its beginning."""
    if target.startswith("arn:"):
        return target
    return shown(target) if "://" in target else f"{target[:_SEEN]}…" if len(target) > _SEEN else target


def deliver(notice: Notice, target: str) -> str:
    """Tells a target; returns what a person should know of it. NotDelivered, whatever went wrong."""
    try:
        return channel_of(target).send(notice, target)
    except NotDelivered:
        raise
    except Exception as fault:  # boto's errors, and whatever else: a run must not fail with who is told of it
        found = shorten(" ".join(str(fault).split()), 300)
        raise NotDelivered(label(target), found=f"{type(fault).__name__}: {found}", expected="a notice that is taken") from fault
