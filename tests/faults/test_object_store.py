"""Object stores that fail: tried again within limits; then a sentence, an exit code, and nothing half-written."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hourglass import storage
from hourglass.cli import main
from tests import fault_proxy as faults
from tests.engine import capture_line
from tests.fault_proxy import Answer, FaultProxy

HOURS = ("2026/11/21/08", "2026/11/21/09")
ROWS = 40


@dataclass
class Place:
    """A job's places on S3, and its container's folder."""

    root: str
    container: Path
    baseline: Path

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.root.removeprefix("s3://").partition("/")[0]

    def job(self, *more: str) -> list[str]:
        """The words of a data-quality run over both hours, whose reports and states are on S3."""
        return [
            *("data-quality", "--engine", "local", "--json", "--window", "1h"),
            *("--dataset-source", f"{self.root}/capture", "--output-path", f"{self.root}/reports", "--state-root", f"{self.root}/states"),
            *("--start-time", "2026-11-21T08:00:00Z", "--end-time", "2026-11-21T10:00:00Z"),
            *("--baseline-constraints", str(self.baseline), "--baseline-statistics", str(self.baseline)),
            *("--container-root", str(self.container)),
            *more,
        ]

    @property
    def message(self) -> str:
        """The message file."""
        return (self.container / "output" / "message").read_text()

    def files(self, folder: str) -> dict[str, bytes]:
        """All objects below a folder, hidden ones too, with what they hold."""
        place = f"{self.root}/{folder}"
        return {
            storage.spelled(info.path, place).removeprefix(f"{place}/"): storage.read_bytes(storage.spelled(info.path, place))
            for info in storage.listing(place, recursive=True)
            if info.is_file
        }


@pytest.fixture
def place(proxy: FaultProxy, s3_path: str, tmp_path: Path, baseline: Path) -> Place:  # noqa: ARG001 whose environment is set
    """Captures of two hours on S3, and a platform's folder."""
    (tmp_path / "container").mkdir()
    storage.write_files(f"{s3_path}/capture", {f"endpoint/AllTraffic/{hour}/a.jsonl": captured(hour) for hour in HOURS})
    return Place(s3_path, tmp_path / "container", baseline)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suggested baseline."""
    folder = tmp_path_factory.mktemp("baseline")
    (folder / "train.csv").write_text("_c0,_c1\n" + "".join(f"{row % 2},{row}\n" for row in range(ROWS)))
    code = ended(["data-quality", "--engine", "local", "--dataset-source", f"{folder}/train.csv", "--output-path", str(folder / "out")])
    assert code == 0
    return folder / "out"


def captured(hour: str) -> bytes:
    """An hour's capture file."""
    time = f"{hour[:10].replace('/', '-')}T{hour[-2:]}:30:00Z"
    return "".join(capture_line(str(row % 2), str(row), time=time) + "\n" for row in range(ROWS)).encode()


def ended(words: list[str]) -> int:
    """The exit code of a command."""
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


FAULTS: Mapping[str, tuple[Answer, str, str]] = {
    "throttles": (faults.SLOW_DOWN, "a store that throttles", "run it again later; HOURGLASS_S3_ATTEMPTS"),
    "cuts answers in the middle": (faults.cut(0.5), "a connection that is cut", "check the network and run it again"),
    "hangs up": (faults.hang_up, "a connection that is cut", "check the network and run it again"),
    "is silent": (faults.silence, "no answer in time", "check the network and run it again; HOURGLASS_S3_TIMEOUT has it wait longer"),
    "says that the token has expired": (faults.EXPIRED, "credentials that have expired: The provided token has expired", "renew them"),
    "says that the role's token has expired": (faults.EXPIRED_ROLE, "credentials that have expired", "renew them and run it again"),
    "denies": (faults.DENIED, "access denied", "have it granted"),
    "has the bucket in another region": (faults.WRONG_REGION, "in eu-central-1; expected the region", "set AWS_REGION=eu-central-1"),
    "redirects to another region": (faults.MOVED, "in eu-central-1; expected the region", "set AWS_REGION=eu-central-1"),
}
EVERYTHING = "."
LISTS = r"^GET .*list-type=2.*(capture|prefix=.*endpoint)"
READS = r"^GET .*/capture/.*\.jsonl"
UPLOADS = r"^PUT .*/reports/\.staging-.*/\.3\.part"
COPIES = r"^PUT .*/reports/2026/11/21/08/constraint_violations\.json"
ASKS_STATES = r"^HEAD .*/states/.*/states\.parquet"
KEEPS_STATES = r"^PUT .*/states/.*/09/states\.parquet"


@pytest.mark.parametrize("name", FAULTS)
def test_what_an_unusable_store_says_is_told_and_nothing_is_written(
    place: Place, proxy: FaultProxy, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence with what was found, what was expected and what to do, on standard error and in the message file."""
    answer, found, hint = FAULTS[name]
    proxy.fail(EVERYTHING, answer)
    begin = time.monotonic()
    assert ended(place.job()) == 2
    took = time.monotonic() - begin
    proxy.mend()
    said = capsys.readouterr().err
    assert f"hourglass: {place.root}/capture: found " in said
    assert found in said
    assert "; expected " in said
    assert f". Hint: {hint}" in said
    assert "Traceback" not in said
    assert place.message == f"Failed: {said.removeprefix('hourglass: ').rstrip()}"
    assert place.files("reports") == place.files("states") == {}
    assert took < 3 * storage.Limits.said().longest_s


@pytest.mark.parametrize("stage", [LISTS, READS, UPLOADS, COPIES, ASKS_STATES, KEEPS_STATES])
@pytest.mark.parametrize("name", ["throttles", "cuts answers in the middle", "denies"])
def test_a_store_that_fails_on_the_way_ends_the_job_and_the_next_run_completes_it(
    place: Place, proxy: FaultProxy, name: str, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is there is whole, and of the reports all or none; the hours that were kept are not read again."""
    answer, found, hint = FAULTS[name]
    if name == "cuts answers in the middle" and stage in {UPLOADS, COPIES, ASKS_STATES, KEEPS_STATES}:
        answer = faults.hang_up  # there is nothing to cut in their answers
    proxy.fail(stage, answer)
    assert ended(place.job()) == 2
    assert proxy.count(stage) >= 1
    proxy.mend()
    said = capsys.readouterr().err
    assert found in said
    assert hint in said
    assert place.message.startswith(f"Failed: {said.removeprefix('hourglass: ')[:100]}")
    assert place.files("reports") == {}
    kept = place.files("states")
    assert len(kept) == (2 if stage in {UPLOADS, COPIES} else 1 if stage == KEEPS_STATES else 0)
    assert ended(place.job()) == 0
    assert proxy.count(r"^PUT .*/states\.parquet") == 2 - len(kept)
    capsys.readouterr()
    assert {**place.files("states"), **kept} == place.files("states")
    assert sorted(place.files("reports")) == whole_reports()


def whole_reports() -> list[str]:
    """The files of both hours' reports, and the page of the last one."""
    names = ("constraint_violations.json", "constraints.json", "evaluation.json", "statistics.json")
    return sorted([f"{hour}/{name}" for hour in HOURS for name in names] + [f"{HOURS[-1]}/report.html"])


@pytest.mark.parametrize("name", ["throttles", "cuts answers in the middle", "hangs up", "is silent"])
def test_what_passes_is_not_noticed(place: Place, proxy: FaultProxy, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The first request of every kind fails: the run ends as one over a sound store does, with the same reports."""
    answer, _, _ = FAULTS[name]
    stages = {READS: answer, LISTS: answer}
    if name != "is silent":  # which takes two seconds each time
        stages |= dict.fromkeys((UPLOADS, COPIES, ASKS_STATES, KEEPS_STATES), faults.hang_up if "cuts" in name else answer)
    for stage, answers in stages.items():
        proxy.fail(stage, answers, times=1)
    assert ended(place.job()) == 0
    assert [rule.pattern for rule in proxy.rules if (rule.times or 0) > 0] == []
    reports = place.files("reports")
    proxy.mend()
    capsys.readouterr()
    assert ended([*place.job(), "--output-path", f"{place.root}/again"]) == 0
    assert reports == place.files("again")
