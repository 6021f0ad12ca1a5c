"""What a batch of rows gives to the counts of bias."""

from __future__ import annotations

import pyarrow as pa
import pytest

from hourglass.bias.config import AnalysisConfig, Chosen, FacetConfig
from hourglass.bias.digest import BiasDigest
from hourglass.capture.batches import Batch


@pytest.mark.parametrize("where", [{"predicted_label": "score"}, {"probability": "score"}])
def test_a_column_of_the_input_is_never_taken_for_the_prediction(where: dict[str, str]) -> None:
    config = AnalysisConfig("label", "label", Chosen(("1",)), (FacetConfig(("Sex",)),), **where)
    digest = BiasDigest(config, merged=True)
    told, said = pa.array([0.9, 0.9]), pa.array([0.1, 0.1])
    unanswered = Batch("2026/11/21/10", 0, "jsonl", 2, {"score": told}, answers={}, answers_at=1)
    answered = Batch("2026/11/21/10", 0, "jsonl", 2, {"score": told}, answers={"score": said}, answers_at=1)
    table = Batch("2026/11/21/10", 0, "csv", 2, {"score": said})
    assert digest.predicted(unanswered, digest.features(unanswered)) is None
    predicted = digest.predicted(answered, digest.features(answered))
    assert predicted is not None
    assert predicted == digest.predicted(table, digest.features(table))
