"""Looking into a page: what tests of reports for people ask it."""

from hourglass.outputs.page import Heading, Page, Paragraph, Picture, Table


def paragraphs_of(page: Page) -> list[Paragraph]:
    """All paragraphs."""
    return [block for block in page.blocks if isinstance(block, Paragraph)]


def pictures_of(page: Page) -> list[Picture]:
    """All pictures."""
    return [block for block in page.blocks if isinstance(block, Picture)]


def table_under(page: Page, heading: str) -> Table:
    """The table that follows a heading."""
    place = next(place for place, block in enumerate(page.blocks) if isinstance(block, Heading) and block.text == heading)
    return next(block for block in page.blocks[place:] if isinstance(block, Table))
