"""OpenLineage: an event when a run starts and one when it ends, with inputs, outputs, versions and the settings' hash.

The specification is https://openlineage.io/spec/2-0-2/OpenLineage.json; names of data sets are as its naming document has
them. Facets of our own are `hourglass_run` and, of a job, none.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

import orjson

from hourglass import __version__, storage
from hourglass.capture.window import format_time
from hourglass.constraints import Evaluation, Verdict
from hourglass.errors import HourglassError, shorten
from hourglass.http_post import post
from hourglass.outputs.report import Outcome
from hourglass.stages import RUN, Done
from hourglass.watching.run import Run

PRODUCER = f"urn:hourglass-monitor:{__version__}"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "parent": "1-2-0/ParentRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "dataQualityAssertions": "1-1-0/DataQualityAssertionsDatasetFacet",
}
_OWN = "urn:hourglass-monitor:facet:run:1-0-0"
_VERSIONS = ("pyarrow", "numpy", "datasketches", "boto3")
_ASSERTIONS, _LONGEST = 500, 300
_PATH = "/api/v1/lineage"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Lineage:
    """Emits START, then COMPLETE, FAIL or, where a person stopped it, ABORT."""

    def __init__(self, run: Run, place: str) -> None:
        self.run = run
        self.place = place
        self._read: dict[str, Any] = {}

    @classmethod
    def asked(cls, run: Run) -> Self | None:
        """Where the settings name a place."""
        return cls(run, run.settings.lineage) if run.settings.lineage is not None else None

    def begins(self, stage: str) -> None:
        """START with the run."""
        if stage == RUN:
            self._emit(event(self.run, "START", self.run.began))

    def ends(self, done: Done) -> None:
        """What was read is kept until the run ends, which is told."""
        if done.stage in {"prepare", "read", "join"}:
            self._read |= done.facts
        if done.stage != RUN:
            return
        now = datetime.now(UTC)
        if done.fault is None:
            outcome = done.result if isinstance(done.result, Outcome) else None
            self._emit(event(self.run, "COMPLETE", now, read=self._read, outcome=outcome))
        else:
            stopped = not isinstance(done.fault, Exception) or type(done.fault).__name__ == "Abort"
            self._emit(event(self.run, "ABORT" if stopped else "FAIL", now, read=self._read, fault=done.fault))

    def _emit(self, document: Mapping[str, Any]) -> None:
        """To the address, as a line of the file, or as a file of the folder, which appears whole."""
        data = orjson.dumps(document)
        if self.place.startswith(("http://", "https://")):
            key = os.environ.get("OPENLINEAGE_API_KEY")
            post(lineage_address(self.place), data, {"Authorization": f"Bearer {key}"} if key else {})
        elif storage.is_local(self.place) and self.place.endswith(".jsonl"):
            path = Path(self.place)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as stream:  # one write at the end of the file, whoever else writes there
                stream.write(data + b"\n")
        else:
            storage.write_files(self.place, {f"{self.run.id}-{document['eventType']}.json": data})


def lineage_address(place: str) -> str:
    """The address that takes events: as given, or OpenLineage's own path where only a host is.

    >>> lineage_address("http://marquez:5000/"), lineage_address("https://host/lineage?team=a")
    ('http://marquez:5000/api/v1/lineage', 'https://host/lineage?team=a')
    """
    host, _, path = place.partition("://")[2].partition("/")
    return place if path or "?" in host else f"{place.rstrip('/')}{_PATH}"


def event(
    run: Run,
    kind: str,
    time: datetime,
    *,
    read: Mapping[str, Any] | None = None,
    outcome: Outcome | None = None,
    fault: BaseException | None = None,
) -> dict[str, Any]:
    """An event of a run as the specification has it."""
    settings = run.settings
    source = dataset(settings.dataset_source)
    if read:
        counts = {"rowCount": read.get("records", read.get("lines")), "fileCount": read.get("files")}
        source["inputFacets"] = {"inputStatistics": _facet("inputStatistics", **{k: v for k, v in counts.items() if v is not None})}
    if outcome is not None and (assertions := list(_assertions(outcome))):
        source["inputFacets"] = source.get("inputFacets", {}) | {
            "dataQualityAssertions": _facet("dataQualityAssertions", assertions=assertions)
        }
    others = (settings.ground_truth_source, settings.baseline_constraints, settings.baseline_statistics, settings.state_root)
    return {
        "eventType": kind,
        "eventTime": _iso(time),
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "run": {"runId": run.id, "facets": dict(_run_facets(run, fault))},
        "job": {
            "namespace": "hourglass",
            "name": ".".join(filter(None, (settings.sagemaker_endpoint_name, settings.sagemaker_monitoring_schedule_name, run.job))),
            "facets": {"jobType": _facet("jobType", processingType="BATCH", integration="HOURGLASS", jobType="JOB")},
        },
        "inputs": [source, *(dataset(path) for path in others if path is not None)],
        "outputs": [dataset(path) for path in (settings.output_path, settings.state_root) if path is not None],
    }


def _run_facets(run: Run, fault: BaseException | None) -> Iterator[tuple[str, dict[str, Any]]]:
    settings = run.settings
    if settings.span is not None:
        times = {"nominalStartTime": format_time(settings.span.start), "nominalEndTime": format_time(settings.span.end)}
        yield "nominalTime", _facet("nominalTime", **times)
    engine, release = ("spark", _version("pyspark")) if settings.engine == "spark" else ("hourglass", __version__)
    yield "processing_engine", _facet("processing_engine", name=engine, version=release, openlineageAdapterVersion=__version__)
    versions = {"hourglass": __version__, "python": platform.python_version(), **{name: _version(name) for name in _VERSIONS}}
    if settings.engine == "spark":
        versions["pyspark"] = release
    own = {"settings_hash": run.settings_hash, "versions": versions, "monitor": run.job}
    yield "hourglass_run", {"_producer": PRODUCER, "_schemaURL": _OWN, **own}
    if fault is not None:
        sentence = str(fault) if isinstance(fault, HourglassError) else f"{type(fault).__name__}: {fault}"
        yield "errorMessage", _facet("errorMessage", message=shorten(sentence, 2000), programmingLanguage="PYTHON")
    parent = os.environ.get("OPENLINEAGE_PARENT_ID", "").split("/")  # namespace/job/run, as Airflow hands it down
    if len(parent) >= 3 and _UUID.fullmatch(parent[-1]):
        job = {"namespace": "/".join(parent[:-2]), "name": parent[-2]}
        yield "parent", _facet("parent", run={"runId": parent[-1]}, job=job)


def _assertions(outcome: Outcome) -> Iterator[dict[str, Any]]:
    """The checks of the last window, as far as they have a verdict."""
    for found in (outcome.reports[-1].evaluations if outcome.reports else ())[:_ASSERTIONS]:
        if found.verdict in {Verdict.PASS, Verdict.VIOLATION}:
            yield _assertion(found)


def _assertion(found: Evaluation) -> dict[str, Any]:
    texts = {"expected": found.threshold, "actual": found.value, "column": found.feature or None, "description": found.definition}
    told = {name: shorten(str(value), _LONGEST) for name, value in texts.items() if value is not None}
    return {"assertion": found.check, "success": found.verdict is Verdict.PASS, **told}


def dataset(path: str) -> dict[str, Any]:
    """A place as OpenLineage names it.

    >>> dataset("s3://bucket/capture/churn"), dataset("/data/capture")
    ({'namespace': 's3://bucket', 'name': 'capture/churn'}, {'namespace': 'file', 'name': '/data/capture'})
    """
    if storage.is_local(path):
        return {"namespace": "file", "name": path}
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return {"namespace": f"s3://{bucket}", "name": key or "/"}


def _facet(name: str, /, **parts: Any) -> dict[str, Any]:
    path = _FACETS[name]
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/facets/{path}.json#/$defs/{path.partition('/')[2]}", **parts}


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
