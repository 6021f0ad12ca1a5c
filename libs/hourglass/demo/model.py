"""The model behind the demonstration's endpoint, which says whether a person earns more than 50,000 dollars a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hourglass.demo.census import FEATURES, LABELS, NUMBERS, Row
from hourglass.errors import EnvironmentFault

LEAF_ROWS = 50  # enough for a leaf's share to hold on rows that the tree was not fit to


class Model:
    """A decision tree over the census features, fit to labelled rows.

    It scores whatever an endpoint may get: a feature that is lacking, unknown or not a number is a missing value to
    it. The same rows give the same model.
    """

    def __init__(self, rows: Sequence[Row], labels: Sequence[str]) -> None:
        try:
            from sklearn.compose import ColumnTransformer
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import OrdinalEncoder
            from sklearn.tree import DecisionTreeClassifier
        except ImportError as fault:
            raise EnvironmentFault(
                "scikit-learn", found="none", expected="the package", hint='pip install "hourglass-monitor[demo]"'
            ) from fault
        texts = [place for place, name in enumerate(FEATURES) if name not in NUMBERS]
        numbers = [place for place, name in enumerate(FEATURES) if name in NUMBERS]
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
        # boosted trees are 2 % more accurate, but their threads wait for cores that others use: 0.4 s an hour of requests, this 0.005 s
        tree = DecisionTreeClassifier(min_samples_leaf=LEAF_ROWS, random_state=0)
        columns = ColumnTransformer([("texts", codes, texts), ("numbers", "passthrough", numbers)])
        self._pipeline = make_pipeline(columns, tree)
        self._pipeline.fit(_table(rows), np.array(labels))

    def score(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """What the endpoint answers for each row: the predicted label, and the probability of `>50K` to four places."""
        high = self._pipeline.predict_proba(_table(rows))[:, 1]
        return [{"prediction": LABELS[share >= 0.5], "probability": round(share, 4)} for share in high.tolist()]


def _table(rows: Sequence[Row]) -> npt.NDArray[np.object_]:
    """The rows as a table of what the model can use: numbers, texts, and NaN or None for the rest."""
    table = np.empty((len(rows), len(FEATURES)), np.object_)
    for place, name in enumerate(FEATURES):
        kind, lacking = (int, np.nan) if name in NUMBERS else (str, None)
        values = [row.get(name) for row in rows]
        table[:, place] = [value if isinstance(value, kind) else lacking for value in values]
    return table
