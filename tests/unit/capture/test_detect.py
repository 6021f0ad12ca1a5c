"""What files are is found out by a look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hourglass.capture.detect import detect_format
from hourglass.capture.files import InputFile

CAPTURED = {"captureData": {"endpointInput": {"data": "1", "encoding": "CSV"}}, "eventVersion": "0"}
LABEL = {"data": "1", "encoding": "CSV"}
LONG = {"captureData": {"endpointInput": {"data": "1," * 100_000, "encoding": "CSV"}}, "eventVersion": "0"}


@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "pretty"])
@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (CAPTURED, "capture"),
        ({**CAPTURED, "groundTruthData": LABEL}, "merge"),
        ({"groundTruthData": LABEL, **CAPTURED}, "merge"),
        (LONG, "capture"),
        ({**LONG, "groundTruthData": LABEL}, "merge"),
        ({**CAPTURED, "eventMetadata": {"customAttributes": [json.dumps({"groundTruthData": 1})]}}, "capture"),
    ],
    ids=["captured", "merged", "label first", "long", "long and merged", "the word in a text"],
)
def test_a_merged_record_is_known_by_its_label(tmp_path: Path, record: dict[str, Any], kind: str, indent: int | None) -> None:
    """However it is written: read as a capture it would lose its label without a word."""
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record, indent=indent))
    assert detect_format([InputFile(str(path), path.stat().st_size, "")]).kind == kind
