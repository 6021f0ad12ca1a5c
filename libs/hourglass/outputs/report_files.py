"""A report for people as the files that it is written to."""

from __future__ import annotations

from hourglass.outputs.html_page import html_page
from hourglass.outputs.page import Page
from hourglass.outputs.pdf_page import pdf_page

REPORT_HTML, REPORT_PDF = "report.html", "report.pdf"


def report_files(page: Page, *, on_paper: bool = True) -> dict[str, bytes]:
    """The page for a browser and, unless that is not asked for, for paper, by the files' names; the same page is the same bytes."""
    return {REPORT_HTML: html_page(page), **({REPORT_PDF: pdf_page(page)} if on_paper else {})}
