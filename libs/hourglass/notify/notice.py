"""What is told of a run with violations: the same document for every channel."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

VERSION = "1.0"


def violations(count: int) -> str:
    """So many of them.

    >>> violations(1), violations(2)
    ('1 violation', '2 violations')
    """
    return f"{count} violation{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Notice:
    """A run's violations: of which windows, how many, the first of them, and where its report is.

    `id` is the same when the same windows are run again, so that a receiver can tell. `report` is the address of the last
    window in violation; each window has its own.
    """

    id: str
    time: str
    monitor: str
    endpoint: str | None
    schedule: str | None
    violations: int
    report: str
    output_path: str
    windows: tuple[Mapping[str, Any], ...]

    @property
    def subject(self) -> str:
        """A line, such as an e-mail's subject: ASCII, at most 100 characters."""
        line = f"Hourglass: {violations(self.violations)}, {self.monitor} of {self.endpoint or self.schedule or 'data'}"
        return "".join(sign if " " <= sign <= "~" else "?" for sign in line)[:100]

    @property
    def text(self) -> str:
        """The same for people: what was violated in each window, and the report's address."""
        lines = [self.subject]
        for window in self.windows:
            span = f"{window['start']} to {window['end']}" if window["start"] else "all data"
            lines.append(f"{span}: {violations(window['violation_count'])} in {window['rows']:,} rows")
            for found in window["violations"]:
                where = f" [{found['segment']}]" if "segment" in found else ""
                lines.append(f"- {found['feature'] or 'all columns'}{where} ({found['check']}): {found['description']}")
            if more := window["violation_count"] - len(window["violations"]):
                lines.append(f"- and {more} more")
            lines.append(f"  {window['report']}")
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """As a receiver's program reads it; chat programs show `text`."""
        keys = ("id", "time", "monitor", "endpoint", "schedule", "violations", "report", "output_path")
        named = {key: getattr(self, key) for key in keys}
        return {"version": VERSION, "source": "hourglass", **named, "windows": list(self.windows), "text": self.text}

    def to_bytes(self) -> bytes:
        """The document as JSON."""
        return orjson.dumps(self.document())


def fingerprint(*parts: object) -> str:
    """Thirty-two letters for some texts and numbers: the same for the same ones.

    >>> fingerprint("a", 1) == fingerprint("a", 1), fingerprint("a") == fingerprint("b")
    (True, False)
    """
    return hashlib.sha256(orjson.dumps(parts, default=str)).hexdigest()[:32]
