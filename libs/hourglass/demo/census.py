"""UCI Adult, the census rows that the demonstration's model is trained on and serves."""

from __future__ import annotations

import gzip
from importlib import resources

Value = int | str | None
Row = dict[str, Value]

NUMBERS = ("age", "final_weight", "education_years", "capital_gain", "capital_loss", "hours_per_week")
# in the order of the files; `fnlwgt` and `education-num` are spelled out
FEATURES = (
    "age",
    "workclass",
    "final_weight",
    "education",
    "education_years",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
)
TRAINING, TEST = "adult.data.gz", "adult.test.gz"
LABELS = ("<=50K", ">50K")


def read_census(part: str) -> tuple[list[Row], list[str]]:
    """The rows of one part, and the label of each: `<=50K` or `>50K`. An unknown value, `?` in the file, is None.

    >>> rows, labels = read_census(TEST)
    >>> len(rows), rows[0]["age"], rows[4]["occupation"], labels[0]
    (16281, 25, None, '<=50K')
    """
    text = gzip.decompress(resources.files("hourglass.demo").joinpath("data", part).read_bytes()).decode("ascii")
    rows, labels = [], []
    for line in text.splitlines():
        if not line or line.startswith("|"):  # the test part begins with a comment
            continue
        *fields, label = line.removesuffix(".").split(", ")
        rows.append({name: _value(name, field) for name, field in zip(FEATURES, fields, strict=True)})
        labels.append(label)
    return rows, labels


def _value(name: str, field: str) -> Value:
    if field == "?":
        return None
    return int(field) if name in NUMBERS else field
