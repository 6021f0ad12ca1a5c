"""A report as one HTML file: no script, no network, pictures inside."""

from __future__ import annotations

import base64
from html import escape

from hourglass.outputs.page import COLOURS, FONTS, Block, Cell, Heading, Page, Paragraph, Picture, Table, Tone, readable

# a file that somebody was sent must not be able to load or run anything, whatever stands in the data
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.45 {FONTS}; color: {COLOURS[Tone.PLAIN]}; background: #fff; max-width: 1040px; margin: 32px auto; padding: 0 24px; }}
h1 {{ font-size: 26px; line-height: 1.2; margin: 0 0 4px; }}
h2 {{ font-size: 20px; margin: 40px 0 8px; padding-top: 12px; border-top: 1px solid #ccc; }}
h3 {{ font-size: 16px; margin: 24px 0 6px; }}
h1, h2, h3, p, td {{ overflow-wrap: anywhere; }}
p {{ margin: 0 0 10px; max-width: 860px; }}
.large {{ font-size: 19px; font-weight: bold; line-height: 1.35; margin: 16px 0; padding: 10px 14px; border-left: 6px solid; }}
img {{ display: block; max-width: 100%; height: auto; margin: 8px 0 12px; }}
table {{ border-collapse: collapse; table-layout: fixed; width: 100%; font-size: 13.5px; margin: 8px 0 16px; }}
th {{ text-align: left; vertical-align: bottom; border-bottom: 2px solid #888; padding: 4px 10px 4px 0; }}
td {{ vertical-align: top; border-bottom: 1px solid #ddd; padding: 5px 10px 5px 0; }}
small {{ display: block; font-size: 12px; font-weight: normal; color: {COLOURS[Tone.QUIET]}; }}
a {{ color: {COLOURS[Tone.GOOD]}; }}
{"".join(f".{tone} {{ color: {colour}; }} " for tone, colour in COLOURS.items())}
@page {{ size: A4; margin: 14mm; }}
@media print {{
  body {{ font-size: 10.5pt; max-width: none; margin: 0; padding: 0; }}
  table {{ font-size: 8.5pt; }}
  small {{ font-size: 7.5pt; }}
  thead {{ display: table-header-group; }}
  tr, img {{ break-inside: avoid; }}
  h2, h3 {{ break-after: avoid; }}
}}
"""


def html_page(page: Page) -> bytes:
    """A page as a file; the same bytes for the same page.

    >>> b"<p>a &lt; b</p>" in html_page(Page("title", "", (Paragraph("a < b"),)))
    True
    """
    title, under = _text(page.title), _text(page.under)
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f'<h1>{title}</h1>\n<p class="quiet">{under}</p>',
        *map(_block, page.blocks),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts).encode()


def _text(text: str) -> str:
    return escape(readable(text))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        anchor = f' id="{_text(block.anchor)}"' if block.anchor else ""
        return f"<h{block.level}{anchor}>{_text(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        named = " ".join((["large"] if block.large else []) + ([str(block.tone)] if block.tone is not Tone.PLAIN else []))
        return f"<p{_class(named)}>{_text(block.text)}</p>"
    if isinstance(block, Picture):
        # as an image nothing in it can reach the page: neither names that two pictures share, nor a script
        return f'<img alt="{_text(block.words)}" src="data:image/svg+xml;base64,{base64.b64encode(block.svg.encode()).decode()}">'
    return _table(block)


def _table(table: Table) -> str:
    columns = "".join(f'<col style="width:{width:.2%}">' for width in table.widths)
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in table.head)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    return f"<table>\n<colgroup>{columns}</colgroup>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _cell(cell: Cell) -> str:
    text = _text(cell.text)
    if cell.link:
        text = f'<a href="#{_text(cell.link)}">{text}</a>'
    if cell.strong:
        text = f"<strong>{text}</strong>"
    below = f"<small>{_text(cell.below)}</small>" if cell.below else ""
    return f"<td{_class(cell.tone if cell.tone is not Tone.PLAIN else '')}>{text}{below}</td>"


def _class(named: str) -> str:
    return f' class="{named}"' if named else ""
