"""A report for people as blocks of text, tables and pictures, which HTML and paper show alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from hourglass.capture.window import Window


class Tone(StrEnum):
    """What a text says by its colour, beside its words."""

    PLAIN = "plain"
    ALARM = "alarm"
    GOOD = "good"
    QUIET = "quiet"


# told apart by people who do not see red and green, and dark enough for text on white: contrast of 4.9 and more
COLOURS = MappingProxyType({Tone.PLAIN: "#1a1a1a", Tone.ALARM: "#b84600", Tone.GOOD: "#0a5a9c", Tone.QUIET: "#666666"})
# metrically the same where the first is missing, so that what fits here fits there
FONTS = "Liberation Sans, Arial, Helvetica, sans-serif"


@dataclass(frozen=True)
class Heading:
    """A heading of level 2 or 3; `anchor` is what links lead to."""

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Some sentences; `large` ones are what a reader in a hurry reads."""

    text: str
    tone: Tone = Tone.PLAIN
    large: bool = False


@dataclass(frozen=True)
class Picture:
    """A drawing, and what it shows in words."""

    svg: str
    words: str


@dataclass(frozen=True)
class Cell:
    """A text in a table, with a smaller one under it."""

    text: str
    below: str = ""
    tone: Tone = Tone.PLAIN
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a head that is repeated on every sheet of paper; `widths` are shares of the page's."""

    head: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]


Block = Heading | Paragraph | Picture | Table


@dataclass(frozen=True)
class Page:
    """A report: a title, a line under it, and blocks."""

    title: str
    under: str
    blocks: tuple[Block, ...]


def explained(rows: Iterable[tuple[str, str, str]]) -> Table:
    """What a report is made by: each thing, what it is here, and what it means."""
    cells = tuple((Cell(what, strong=True), Cell(here), Cell(says)) for what, here, says in rows)
    return Table(("What", "Here", "What it means"), (0.22, 0.3, 0.48), cells)


def in_words(window: Window | None) -> str:
    """When a window was, for people: UTC, the date of its end only where it is another one.

    >>> from datetime import datetime
    >>> in_words(Window(datetime(2026, 11, 21, 9), datetime(2026, 11, 21, 10)))
    '21 November 2026, 09:00 to 10:00 UTC'
    """
    if window is None:
        return "All rows that were given"
    start, end = window.start, window.end
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end.day} {end:%B %Y}, {end:%H:%M}"
    return f"{start.day} {start:%B %Y}, {start:%H:%M} to {last} UTC"


def readable(text: str) -> str:
    r"""A text without signs that cannot be printed, or turn the reading direction of others: names come from data.

    >>> readable("a\x00b\u202ec\nd")
    'a�b�c d'
    """
    return "".join(sign if sign.isprintable() or sign in _JOINERS else " " if sign.isspace() else "�" for sign in text)


_JOINERS = "\u200c\u200d"  # without them some scripts, and families of emoji, are misspelled


def brief(text: str, longest: int) -> str:
    """A text that is cut where it is longer.

    >>> brief("Ethnic group", 8), brief("Sex", 8)
    ('Ethnic…', 'Sex')
    """
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
