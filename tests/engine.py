"""The pass without Spark, and runs of the monitors on it: what most tests of them need."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa

from hourglass.monitors import attribution_drift, bias_drift, data_quality, model_quality
from hourglass.monitors.refresh import Engine
from hourglass.outputs.report import Outcome
from hourglass.scan import ScanPlan, Work, scan
from hourglass.schemas import STATE_ROWS
from hourglass.settings import Settings, load_settings

SCHEMAS = Path(data_quality.__file__).parents[1] / "outputs" / "schemas"
DOCUMENTS = ("statistics", "constraints", "constraint_violations", "evaluation", "segments", "calibration")


def plain_engine(tasks: Sequence[Work], plan: ScanPlan) -> pa.Table:
    """Runs the tasks one after the other in this process."""
    return pa.Table.from_batches([batch for task in tasks for batch in scan(task, plan)], STATE_ROWS)


def run(output: Path, **flags: Any) -> Outcome:
    """A data-quality run into `output`, with its files held against their schemas."""
    outcome = data_quality.run(settings_of(output, flags), plain_engine)
    check_outputs(output, suggested=outcome.reports[0].constraints is not None if outcome.reports else False)
    return outcome


def run_quality(output: Path, engine: Engine = plain_engine, parallelism: int = 2, **flags: Any) -> Outcome:
    """A model-quality run into `output`, with its files held against their schemas."""
    outcome = model_quality.run(settings_of(output, flags), engine, parallelism)
    check_outputs(output, suggested=False, monitor="model-quality")
    return outcome


def run_bias(output: Path, engine: Engine = plain_engine, **flags: Any) -> Outcome:
    """A bias run into `output`."""
    return bias_drift.run(settings_of(output, flags), engine)


def run_attribution(output: Path, engine: Engine = plain_engine, parallelism: int = 2, **flags: Any) -> Outcome:
    """An attribution run into `output`, with what it measured held against its schema."""
    outcome = attribution_drift.run(settings_of(output, flags), engine, parallelism)
    for path in output.rglob("evaluation.json"):
        validator("evaluation").validate(read(path))
    return outcome


def settings_of(output: Path, flags: Mapping[str, Any]) -> Settings:
    """The settings of a run into `output`, on no platform unless one is named."""
    said = {"container_root": output / "no-platform", **flags, "output_path": output}
    return load_settings({name: str(value) for name, value in said.items()}, {})


def check_outputs(output: Path, *, suggested: bool, monitor: str = "data-quality") -> None:
    """Holds every file of a run against its JSON Schema; a data-quality baseline that was given is passed on as it is."""
    for path in output.rglob("*.json"):
        if path.stem in DOCUMENTS and (suggested or path.stem != "constraints" or monitor != "data-quality"):
            validator(path.stem, monitor).validate(read(path))
    for name, kind in (("bad_lines.jsonl", "bad_line"), ("cloudwatch_metrics.jsonl", "cloudwatch_metric")):
        for path in output.rglob(name):
            for line in path.read_text().splitlines():
                validator(kind).validate(json.loads(line))


@cache
def validator(name: str, monitor: str = "data-quality") -> jsonschema.Draft202012Validator:
    """What holds documents against a schema; the schema itself is looked at once."""
    jsonschema.Draft202012Validator.check_schema(schema(name, monitor))
    return jsonschema.Draft202012Validator(schema(name, monitor))


@cache
def schema(name: str, monitor: str = "data-quality") -> dict[str, Any]:
    """The JSON Schema of one kind of file: the monitor's own, or that of all monitors."""
    own = SCHEMAS / monitor / f"{name}.schema.json"
    return read(own if own.exists() else SCHEMAS / f"{name}.schema.json")


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text())


def capture_line(output: str | None, input_: str | None, *, time: str = "2026-11-21T09:00:00Z", encoding: str = "CSV") -> str:
    """A captured record of the contract, as one line."""
    kind = {"CSV": "text/csv", "JSON": "application/json", "BASE64": "text/csv"}[encoding]
    sides = {"endpointInput": ("INPUT", input_), "endpointOutput": ("OUTPUT", output)}
    capture = {
        name: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
        for name, (mode, data) in sides.items()
        if data is not None
    }
    return json.dumps(
        {
            "captureData": capture,
            "eventMetadata": {"eventId": f"id-{time}", "inferenceTime": time},
            "eventVersion": "0",
        }
    )


def write_hour(root: Path, hour: str, lines: Sequence[str], name: str = "00-00-000-a.jsonl") -> Path:
    """A capture file in the folder of its hour."""
    path = root / "endpoint" / "AllTraffic" / hour / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))
    return path
