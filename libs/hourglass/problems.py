"""What a model is asked for."""

from __future__ import annotations

from enum import StrEnum


class Problem(StrEnum):
    """What a model is asked for. The first three are the contract's."""

    REGRESSION = "Regression"
    BINARY = "BinaryClassification"
    MULTICLASS = "MulticlassClassification"
    MULTILABEL = "MultilabelClassification"
    RANKING = "Ranking"

    @property
    def part(self) -> str:
        """How its parts of the documents begin: `binary_classification` of `binary_classification_metrics`."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in self.value).removeprefix("_")
