"""What the report of attributions says, word for word."""

from __future__ import annotations

from hourglass.outputs.attribution_report import as_page
from tests.golden.test_bias_report import as_text
from tests.golden.test_golden import compare
from tests.unit.outputs.test_attribution_report import BEFORE, TURNED, kept, label_report, page


def test_the_report_of_attributions() -> None:
    """A model that goes by other features now, with a baseline, three stored hours and kept rows."""
    found = page(label_report(TURNED, BEFORE), hours=3, local=kept(list(BEFORE), 50))
    compare("attribution-report", as_text(as_page(found)))


def test_the_report_of_attributions_of_several_answers() -> None:
    """Without a baseline."""
    found = page(*(label_report(values, None, name) for name, values in (("yes", BEFORE), ("no", TURNED))))
    compare("attribution-report-without-baseline", as_text(as_page(found)))
