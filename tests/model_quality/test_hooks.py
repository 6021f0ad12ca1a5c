"""Users' own scripts: a preprocess_handler that makes label and prediction of merged records."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hourglass.errors import HookError, InputError
from tests.engine import read, run_quality
from tests.model_quality import oracles
from tests.model_quality.shapes import MERGED, label_json, merged_record, side, write_merged

HANDLER = """
import json

def preprocess_handler(inference_record):
    said = json.loads(inference_record.endpoint_output.data)
    if said.get("test"):
        return []
    truth = inference_record.ground_truth
    label = json.loads(truth.data)["outcome"]["churned"] if truth is not None else None
    return {"label": label, "prediction": said["answer"]["class"], "score": said["answer"]["p"], "part": said["part"]}
"""


def write(folder: Path, count: int = 40) -> list[tuple[int | None, int, float]]:
    rows = [((i // 3) % 2 if i % 9 else None, int(i % 5 > 1), i % 7 / 7) for i in range(count)]
    lines = []
    for i, (label, said, p) in enumerate(rows):
        output = {"answer": {"class": said, "p": p}, "part": "ab"[i % 2]}
        truth = None if label is None else label_json({"outcome": {"churned": label}})
        lines.append(merged_record(side(json.dumps(output), "JSON"), truth, i))
    lines.append(merged_record(side(json.dumps({"test": True}), "JSON"), None, count))
    write_merged(folder / "merged", lines)
    (folder / "hook.py").write_text(HANDLER)
    return rows


def flags_of(folder: Path) -> dict[str, object]:
    names = {"inference_attribute": "prediction", "probability_attribute": "score"}
    source = {"dataset_source": folder / "merged", "record_preprocessor_script": folder / "hook.py", **MERGED}
    return {"problem_type": "BinaryClassification", **names, **source}


def test_a_handler_makes_label_and_prediction_of_merged_records(tmp_path: Path) -> None:
    """Nested outputs and labels, unmatched records, test traffic that is dropped, and a column to part the rows by."""
    rows = write(tmp_path)
    run_quality(tmp_path / "out", **flags_of(tmp_path), ground_truth_attribute="label", segments="part")
    document = read(tmp_path / "out" / "statistics.json")
    labels = [None if label is None else str(label) for label, _, _ in rows]
    expected = oracles.binary(labels, [str(said) for _, said, _ in rows], [p for _, _, p in rows])
    found = {key: entry["value"] for key, entry in document["binary_classification_metrics"].items() if "value" in entry}
    assert document["dataset"]["item_count"] == len(rows)
    assert found == pytest.approx(expected, rel=1e-9)
    assert {segment["segment"]: segment["rows"] for segment in read(tmp_path / "out" / "segments.json")["segments"]} == {
        "part=a": 20,
        "part=b": 20,
    }


def test_with_a_handler_the_labels_column_must_be_named(tmp_path: Path) -> None:
    """The merged label is the handler's affair then; the sentence says so."""
    write(tmp_path)
    with pytest.raises(
        InputError, match=re.escape("ground_truth_attribute: found nothing; expected the label's column. Hint: the hook makes all columns")
    ):
        run_quality(tmp_path / "out", **flags_of(tmp_path))


def test_a_handler_that_fails_shows_its_own_line(tmp_path: Path) -> None:
    """The traceback is the script's, the record's place stands beside it."""
    write(tmp_path)
    (tmp_path / "hook.py").write_text(HANDLER.replace('["churned"]', '["left"]'))
    with pytest.raises(HookError, match=r"KeyError: 'left'") as caught:
        run_quality(tmp_path / "out", **flags_of(tmp_path), ground_truth_attribute="label")
    assert "part-0.jsonl" in str(caught.value)


def test_a_handler_may_make_lists(tmp_path: Path) -> None:
    """Multilabel: sets as lists, an empty one included."""
    sets = [(["a"], ["a"]), ([], []), (["a", "b"], ["b"])]
    lines = [merged_record(side(json.dumps(said), "JSON"), label_json(truth), i) for i, (said, truth) in enumerate(sets)]
    write_merged(tmp_path / "merged", lines)
    made = "{'said': json.loads(r.endpoint_output.data), 'was': json.loads(r.ground_truth.data)}"
    hook = f"import json\ndef preprocess_handler(r):\n    return {made}\n"
    (tmp_path / "hook.py").write_text(hook)
    flags = {"problem_type": "MultilabelClassification", "inference_attribute": "said", "ground_truth_attribute": "was", **MERGED}
    run_quality(tmp_path / "out", dataset_source=tmp_path / "merged", record_preprocessor_script=tmp_path / "hook.py", **flags)
    found = read(tmp_path / "out" / "statistics.json")["multilabel_classification_metrics"]
    expected = oracles.multilabel([truth for _, truth in sets], [said for said, _ in sets])
    assert {key: entry["value"] for key, entry in found.items()} == pytest.approx(expected)
