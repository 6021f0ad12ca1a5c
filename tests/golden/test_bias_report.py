"""What the report of bias says, word for word."""

from __future__ import annotations

from hourglass.outputs.bias_report import as_page
from hourglass.outputs.page import Heading, Page, Paragraph, Picture
from tests.golden.test_golden import compare
from tests.unit.outputs.test_bias_report import AGAINST_F, FAIR, measured, page


def as_text(found: Page) -> str:
    """A page as lines: a heading, a sentence, a picture's words or a row each."""
    lines = [found.title, found.under]
    for block in found.blocks:
        if isinstance(block, Heading):
            lines += ["", f"{'#' * block.level} {block.text}"]
        elif isinstance(block, Paragraph):
            lines.append(block.text)
        elif isinstance(block, Picture):
            lines.append(f"[{block.words}]")
        else:
            rows = [block.head, *(tuple(" / ".join(filter(None, (cell.text, cell.below))) for cell in row) for row in block.rows)]
            lines += [" | ".join(row) for row in rows]
    return "\n".join(lines) + "\n"


def test_the_report_of_bias() -> None:
    """A model that turned against one of two values, with a baseline and two stored hours."""
    now = page(measured(AGAINST_F, ["f", "m"]), measured(FAIR, ["f"]), [measured(FAIR), measured(AGAINST_F)])
    compare("bias-report", as_text(as_page(now)))
