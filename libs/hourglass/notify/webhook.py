"""A webhook: the notice as JSON to somebody's address."""

from __future__ import annotations

from hourglass.http_post import need_address, post
from hourglass.notify.channel import channel
from hourglass.notify.notice import Notice


@channel("webhook", pattern=r"https?://.+", spelled="https://… or http://…", check=lambda target: need_address("target", target))
def webhook(notice: Notice, target: str) -> str:
    """Posts the document; the key lets a receiver drop what comes twice. What chat programs show is its `text`."""
    post(target, notice.to_bytes(), {"Idempotency-Key": notice.id})
    return ""
