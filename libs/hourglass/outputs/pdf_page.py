"""A report as sheets of A4: each sheet is drawn as SVG, made PDF as the charts are, and bound with the others.

There is no browser in an image for jobs, and the renderer that draws the charts brings fonts for Latin, Greek, Cyrillic and
Hebrew; what is missing here is only where a line ends.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from hourglass.outputs.page import COLOURS, FONTS, Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone, readable

if TYPE_CHECKING:
    from pypdf.generic import DictionaryObject

_WIDTH, _HEIGHT, _MARGIN = 595.0, 842.0, 42.0
_INSIDE = _WIDTH - 2 * _MARGIN
_BOTTOM = _HEIGHT - _MARGIN - 14
_LEADING = 1.3
_TEXT, _CELL, _BELOW = 9.0, 7.8, 7.0
_GAP = 6.0  # between the columns of a table
_CSS_PIXEL = 0.72  # of a point: a chart is drawn for a screen, where its text is 12 pixels

# advance widths of Liberation Sans (as of Arial and Helvetica) in thousandths of the size
_ADVANCES = {
    sign: width
    for width, signs in {
        191: "'",
        222: "ijl",
        260: "|",
        278: " !,./:;I[\\]ft",
        333: "()-`r",
        334: "{}",
        355: '"',
        389: "*",
        469: "^",
        500: "Jckssvxyz",
        549: "±≤≥",
        556: "#$0123456789?L_abdeghnopqu",
        584: "+<=>~−×",
        611: "FTZ",
        667: "&ABEKPSVXY",
        722: "CDHNRUw",
        778: "GOQ",
        833: "Mm",
        889: "%",
        944: "W",
        1000: "…—←→",
        1015: "@",
    }.items()
    for sign in signs
}
_BOLD = 56  # so much wider is a letter of the bold face at most; only ^ and " are a little more
_UNKNOWN = 800


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line is in points; of letters without a known width rather too much than too little.

    >>> text_width("Sex = 0", 10.0)
    34.19
    """
    total = 0
    for sign in text:
        letter = unicodedata.normalize("NFD", sign)[0]
        if unicodedata.combining(letter):
            continue
        total += _ADVANCES.get(letter) or (1000 if unicodedata.east_asian_width(sign) in "WF" else _UNKNOWN)
        total += _BOLD if bold else 0
    return round(total * size / 1000, 2)


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """A text in lines of a width; words that are longer than a line are cut.

    >>> wrap("one two three", 40.0, 10.0)
    ['one two', 'three']
    """
    lines: list[str] = []
    line = ""
    for word in _words(text, width, size, bold=bold):
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size, bold=bold) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def _words(text: str, width: float, size: float, *, bold: bool) -> Iterator[str]:
    for word in text.split(" "):
        rest = word
        while text_width(rest, size, bold=bold) > width and len(rest) > 1:
            end = len(rest) - 1
            while end > 1 and text_width(rest[:end], size, bold=bold) > width:
                end -= 1
            yield rest[:end]
            rest = rest[end:]
        yield rest


@dataclass
class _Sheets:
    """Sheets that are being filled from the top, and where headings are."""

    sheets: list[list[str]] = field(default_factory=lambda: [[]])
    headings: list[tuple[str, int]] = field(default_factory=list)
    y: float = _MARGIN
    pictures: int = 0

    def room(self, height: float) -> None:
        """Turns over to a new sheet when so much does not fit."""
        if self.y + height > _BOTTOM and self.y > _MARGIN:
            self.sheets.append([])
            self.y = _MARGIN

    def draw(self, part: str) -> None:
        self.sheets[-1].append(part)

    def lines(self, lines: list[str], x: float, top: float, size: float, *, bold: bool = False, tone: Tone = Tone.PLAIN) -> float:
        """Draws lines from `top` on; returns where they end."""
        weight = ' font-weight="bold"' if bold else ""
        for place, line in enumerate(lines):
            y = top + size * (_LEADING * place + 1.0)
            self.draw(f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}"{weight} fill="{COLOURS[tone]}">{escape(line)}</text>')
        return top + size * _LEADING * len(lines)


def pdf_page(page: Page) -> bytes:
    """A page as a file of A4 sheets, numbered, with its headings as bookmarks; the same bytes for the same page."""
    sheets = _Sheets()
    sheets.y = sheets.lines(_wrap(page.title, 16.0, bold=True), _MARGIN, sheets.y, 16.0, bold=True) + 2
    sheets.y = sheets.lines(_wrap(page.under, _TEXT), _MARGIN, sheets.y, _TEXT, tone=Tone.QUIET) + 6
    for place, block in enumerate(page.blocks):
        _place(sheets, block, page.blocks[place + 1] if place + 1 < len(page.blocks) else None)
    (name, *_) = _wrap(page.title, 7.5, width=_INSIDE - 80)
    drawn = [_sheet(parts, name, f"{number} of {len(sheets.sheets)}") for number, parts in enumerate(sheets.sheets, 1)]
    return _bound(drawn, readable(page.title), sheets.headings)


def _wrap(text: str, size: float, *, bold: bool = False, width: float = _INSIDE) -> list[str]:
    return wrap(readable(text), width, size, bold=bold)


def _place(sheets: _Sheets, block: Block, following: Block | None) -> None:
    if isinstance(block, Heading):
        _heading(sheets, block, following)
    elif isinstance(block, Paragraph):
        _paragraph(sheets, block)
    elif isinstance(block, Picture):
        scale, height = _size(block)
        sheets.room(height)
        sheets.pictures += 1
        sheets.draw(f'<g transform="translate({_MARGIN},{sheets.y:.2f}) scale({scale:.4f})">{_inside(block.svg, sheets.pictures)}</g>')
        sheets.y += height + 6
    else:
        _table(sheets, block)


def _heading(sheets: _Sheets, block: Heading, following: Block | None) -> None:
    size = 13.0 if block.level == 2 else 10.5
    lines = _wrap(block.text, size, bold=True)
    height = size * _LEADING * len(lines)
    # a heading does not stay behind alone: not without the picture or the first rows under it
    sheets.room(14 + height + (_size(following)[1] if isinstance(following, Picture) else 70))
    if sheets.y > _MARGIN:
        sheets.y += 12 if block.level == 2 else 6
    if block.level == 2:
        sheets.headings.append((readable(block.text), len(sheets.sheets) - 1))
    sheets.y = sheets.lines(lines, _MARGIN, sheets.y, size, bold=True) + 3


def _paragraph(sheets: _Sheets, block: Paragraph) -> None:
    size, indent = (12.0, 10.0) if block.large else (_TEXT, 0.0)
    lines = _wrap(block.text, size, bold=block.large, width=_INSIDE - indent)
    height = size * _LEADING * len(lines)
    sheets.room(height)
    if block.large:
        sheets.draw(f'<rect x="{_MARGIN}" y="{sheets.y:.2f}" width="3" height="{height + 2:.2f}" fill="{COLOURS[block.tone]}"/>')
    sheets.y = sheets.lines(lines, _MARGIN + indent, sheets.y, size, bold=block.large, tone=block.tone) + 5


def _size(picture: Picture) -> tuple[float, float]:
    found = re.search(r'<svg[^>]* width="([\d.]+)" height="([\d.]+)"', picture.svg)
    width, height = (float(found[1]), float(found[2])) if found else (1.0, 1.0)
    scale = min(_CSS_PIXEL, _INSIDE / width, (_BOTTOM - _MARGIN) / height)
    return scale, height * scale


def _inside(svg: str, number: int) -> str:
    """What is drawn in a picture, with names of its own: those of two pictures on a sheet are the same."""
    return re.sub(r'( id="|url\(#|href="#)', rf"\1p{number}-", re.sub(r"^\s*<svg[^>]*>|</svg>\s*$", "", svg))


def _table(sheets: _Sheets, table: Table) -> None:
    columns = [share * _INSIDE / sum(table.widths) for share in table.widths]
    head = tuple(Cell(name, strong=True) for name in table.head)
    rows = [_row(row, columns) for row in (head, *table.rows)]
    _draw_row(sheets, *rows[0], heavy=True, before=rows[1][1] if len(rows) > 1 else 0.0)
    for cells, height in rows[1:]:
        if sheets.y + height > _BOTTOM:
            sheets.room(_HEIGHT)
            _draw_row(sheets, *rows[0], heavy=True)
        _draw_row(sheets, cells, height)
    sheets.y += 8


_Laid = list[tuple[Cell, float, list[str], list[str]]]


def _row(row: tuple[Cell, ...], columns: list[float]) -> tuple[_Laid, float]:
    """A row's cells at their places, in lines, and how high it is."""
    x, height, laid = _MARGIN, 0.0, []
    for cell, width in zip(row, columns, strict=True):
        lines = _wrap(cell.text, _CELL, bold=cell.strong, width=width - _GAP)
        below = _wrap(cell.below, _BELOW, width=width - _GAP) if cell.below else []
        laid.append((cell, x, lines, below))
        height = max(height, _LEADING * (_CELL * len(lines) + _BELOW * len(below)) + 5)
        x += width
    return laid, height


def _draw_row(sheets: _Sheets, cells: _Laid, height: float, *, heavy: bool = False, before: float = 0.0) -> None:
    sheets.room(height + before)
    for cell, x, lines, below in cells:
        end = sheets.lines(lines, x, sheets.y + 2, _CELL, bold=cell.strong, tone=cell.tone)
        sheets.lines(below, x, end, _BELOW, tone=Tone.QUIET)
    sheets.y += height
    stroke = 'stroke="#888888" stroke-width="1"' if heavy else 'stroke="#dddddd" stroke-width="0.5"'
    sheets.draw(f'<line x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{sheets.y:.2f}" y2="{sheets.y:.2f}" {stroke}/>')


def _sheet(parts: list[str], name: str, number: str) -> str:
    foot = f'y="{_HEIGHT - _MARGIN + 8}" font-size="7.5" fill="{COLOURS[Tone.QUIET]}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{_WIDTH:g}" height="{_HEIGHT:g}" '
        f'viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" font-family="{FONTS}">{"".join(parts)}'
        f'<text x="{_MARGIN}" {foot}>{escape(name)}</text><text x="{_WIDTH - _MARGIN}" text-anchor="end" {foot}>{number}</text></svg>'
    )


def _bound(sheets: list[str], title: str, headings: list[tuple[str, int]]) -> bytes:
    import vl_convert
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for sheet in sheets:
        (drawn,) = PdfReader(io.BytesIO(vl_convert.svg_to_pdf(sheet))).pages
        _in_order(drawn)
        writer.add_page(drawn)
    for text, number in headings:
        writer.add_outline_item(title=text, page_number=number)
    writer.add_metadata({"/Title": title})
    writer.compress_identical_objects()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _in_order(drawn: DictionaryObject) -> None:
    """Sorts what a drawing lists by name: the renderer lists fonts and parts in an order that changes from call to call."""
    resources = drawn.get("/Resources")
    for kind, part in resources.get_object().items() if resources is not None else ():
        listed = part.get_object()
        if not isinstance(listed, dict):
            continue
        entries = sorted(listed.items())
        listed.clear()
        listed.update(entries)
        for _, entry in entries if kind == "/XObject" else ():
            _in_order(entry.get_object())
