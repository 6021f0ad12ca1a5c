"""OpenLineage events, taken apart with the classes of OpenLineage's own client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openlineage.client import event_v2, facet_v2

from hourglass import __version__
from hourglass.cli import main
from hourglass.settings import load_settings
from hourglass.watching.run import Run
from tests.models.conftest import Answer, Endpoint
from tests.watching.conftest import arguments

Serve = Callable[[Callable[[bytes], Answer]], Endpoint]
OURS = {"hourglass_run"}
FACETS = {
    "nominalTime": facet_v2.nominal_time_run.NominalTimeRunFacet,
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "dataQualityAssertions": facet_v2.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
}


def facets(documents: dict[str, Any]) -> dict[str, Any]:
    """Facets as the client's classes, which know each field, hold its kind, and say where its schema is."""
    made = {}
    for name, document in documents.items():
        parts = {key: value for key, value in document.items() if not key.startswith("_")}
        assert document["_producer"] == f"urn:hourglass-monitor:{__version__}"
        if name == "parent":
            kinds = facet_v2.parent_run
            made[name] = kinds.ParentRunFacet(run=kinds.Run(**parts["run"]), job=kinds.Job(**parts["job"]))
        elif name == "dataQualityAssertions":
            tests = [facet_v2.data_quality_assertions_dataset.Assertion(**part) for part in parts["assertions"]]
            made[name] = FACETS[name](assertions=tests)
        elif name not in OURS:
            made[name] = FACETS[name](**parts)
        if name in made:
            assert document["_schemaURL"] == made[name]._schemaURL
    return made


def event_of(document: dict[str, Any]) -> event_v2.RunEvent:
    """An event as the client's class; what its validators refuse, and fields that it does not know, are errors."""
    assert document["schemaURL"] == event_v2.RunEvent._get_schema()
    inputs = [
        event_v2.InputDataset(data["namespace"], data["name"], inputFacets=facets(data.get("inputFacets", {})))
        for data in document["inputs"]
    ]
    return event_v2.RunEvent(
        eventTime=document["eventTime"],
        producer=document["producer"],
        eventType=event_v2.RunState(document["eventType"]),
        run=event_v2.Run(document["run"]["runId"], facets(document["run"]["facets"])),
        job=event_v2.Job(document["job"]["namespace"], document["job"]["name"], facets(document["job"]["facets"])),
        inputs=inputs,
        outputs=[event_v2.OutputDataset(data["namespace"], data["name"]) for data in document["outputs"]],
    )


def read(path: Path) -> list[dict[str, Any]]:
    """The events of a file, each of which the client's classes take."""
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    for document in documents:
        event_of(document)
    return documents


def test_a_run_says_when_it_starts_and_when_it_is_complete(asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With inputs, outputs, window, versions, the settings' hash, what was read, and the run that it is part of."""
    parent = "0190a2b4-0000-7000-8000-000000000001"
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/monitoring.shop/{parent}")
    main(arguments(asked, lineage=tmp_path / "lineage" / "events.jsonl"))
    start, complete = map(event_of, documents := read(tmp_path / "lineage" / "events.jsonl"))
    assert (start.eventType, complete.eventType) == (event_v2.RunState.START, event_v2.RunState.COMPLETE)
    assert start.run.runId == complete.run.runId
    assert complete.job.name == "shop.hourly.data-quality"
    assert complete.run.facets["parent"].run.runId == parent
    assert complete.run.facets["nominalTime"].nominalStartTime == "2026-11-21T09:00:00Z"
    own = documents[1]["run"]["facets"]["hourglass_run"]
    assert own["settings_hash"] == Run(load_settings({k: str(v) for k, v in asked.items()}, {}), "data-quality").settings_hash
    assert own["versions"]["hourglass"] == __version__
    source, states = complete.inputs
    assert (source.namespace, source.name) == ("file", str(tmp_path / "capture"))
    assert source.inputFacets["inputStatistics"].rowCount == 98
    assert source.inputFacets["inputStatistics"].fileCount == 1
    assert states.name == str(tmp_path / "states")
    assert [data.name for data in complete.outputs] == [str(tmp_path / "out"), str(tmp_path / "states")]


def test_the_checks_of_a_window_are_assertions(asked: dict[str, Any], tmp_path: Path) -> None:
    """Passed and violated ones; those that could not be made are neither."""
    main(arguments(asked))
    changed = json.loads((tmp_path / "out" / "constraints.json").read_text())
    changed["features"][0]["completeness"] = 1.0
    changed["features"][1]["inferred_type"] = "String"
    (tmp_path / "constraints.json").write_text(json.dumps(changed))
    events = tmp_path / "events.jsonl"
    main(arguments(asked, lineage=events, output_path=tmp_path / "two", baseline_constraints=tmp_path / "constraints.json"))
    found = event_of(read(events)[1]).inputs[0].inputFacets["dataQualityAssertions"].assertions
    success = {(one.assertion, one.column): one.success for one in found}
    assert success["completeness_check", "_c0"] is True
    assert success["data_type_check", "_c1"] is False
    assert not any(one.assertion == "baseline_drift_check" for one in found)


def test_a_run_that_fails_says_why(asked: dict[str, Any], tmp_path: Path) -> None:
    """As people are told."""
    with pytest.raises(SystemExit):
        main(arguments(asked, lineage=tmp_path / "events.jsonl", max_bad_lines="0.01"))
    start, fail = map(event_of, read(tmp_path / "events.jsonl"))
    assert (start.eventType, fail.eventType) == (event_v2.RunState.START, event_v2.RunState.FAIL)
    assert "2.0% of 100 lines unusable" in fail.run.facets["errorMessage"].message


def test_events_are_posted_to_an_address_with_the_clients_key(
    serve: Serve, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """To OpenLineage's own path where the address has none; one that refuses is said, and the run is done."""
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "abc")
    server = serve(lambda _: (201, b""))
    main(arguments(asked, lineage=server.url))
    assert [event_of(json.loads(body)).eventType.value for body in server.bodies] == ["START", "COMPLETE"]
    assert set(server.paths) == {"/api/v1/lineage"}
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer abc"}
    assert capfd.readouterr().err == ""
    refusing = serve(lambda _: (403, b"who are you"))
    main(arguments(asked, lineage=f"{refusing.url}/secret", output_path=asked["output_path"] / "again"))
    said = capfd.readouterr().err
    assert f"{refusing.url}/…: found HTTP 403 who are you; expected HTTP 2xx; the run goes on" in said
    assert "secret" not in said
    assert (asked["output_path"] / "again" / "statistics.json").exists()


def test_in_a_folder_each_event_is_a_file(asked: dict[str, Any], tmp_path: Path) -> None:
    """So that an object store can hold them."""
    main(arguments(asked, lineage=tmp_path / "events"))
    found = [json.loads(path.read_text()) for path in (tmp_path / "events").iterdir()]
    assert {event_of(document).eventType.value for document in found} == {"START", "COMPLETE"}


def test_runs_that_are_set_alike_have_one_hash(asked: dict[str, Any]) -> None:
    """Whatever their hours; a threshold makes another, a webhook's secret goes nowhere."""

    def hashed(**more: Any) -> str:
        return Run(load_settings({k: str(v) for k, v in {**asked, **more}.items()}, {}), "data-quality").settings_hash

    later = hashed(start_time="2026-11-21T10:00:00Z", end_time="2026-11-21T11:00:00Z")
    assert hashed() == later == hashed(notify="https://hooks.example/T0/secret", log_format="json")
    assert hashed(max_bad_lines=0.1) != hashed()
