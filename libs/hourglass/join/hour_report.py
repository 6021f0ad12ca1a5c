"""What is known of an hour of captures and its labels; kept beside the merged files, so that the next run knows what is done."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add, itemgetter
from typing import Any, NamedTuple, Self

import orjson

from hourglass import storage
from hourglass.capture.files import InputFile
from hourglass.capture.window import hour_of, source_of
from hourglass.errors import InputError
from hourglass.states import Quantiles

HOUR_REPORT = "_merge_report.json"
VERSION = 2  # of what a join makes of the same files; another one makes every hour stale
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


class Stamp(NamedTuple):
    """A file as a listing has it: its size, and when it was changed, in nanoseconds since 1970."""

    size: int
    modified: int


@dataclass(frozen=True)
class Inputs:
    """The files that an hour was made from: how many, their bytes, and a hash of their names, sizes and times of change."""

    files: int
    bytes: int
    fingerprint: str

    @classmethod
    def of(cls, files: Iterable[InputFile], root: str, form: str = "") -> Self:
        """Of files under a root; where the root lies does not matter, but how they are read does, where they can be in several ways."""
        found = sorted(files, key=lambda file: file.path)
        digest = hashlib.sha256(form.encode())
        for file in found:
            digest.update(f"{file.path.removeprefix(root)}\0{file.size}\0{file.modified}\n".encode("utf-8", "surrogatepass"))
        return cls(len(found), sum(file.size for file in found), digest.hexdigest())

    @classmethod
    def together(cls, parts: Iterable[tuple[str, Self]]) -> Self:
        """Those of several folders, by their names."""
        found = sorted(parts, key=itemgetter(0))
        digest = hashlib.sha256("".join(f"{name}\0{part.fingerprint}\n" for name, part in found).encode()).hexdigest()
        return cls(sum(part.files for _, part in found), sum(part.bytes for _, part in found), digest)


@dataclass(frozen=True)
class MergedFile:
    """A file of an hour: its size, its SHA-256, how many records it holds, and its time of change when it was put in its place.

    The time says that a file is still the one that the report is about: one of another run may have the same size.
    """

    size: int
    sha256: str
    records: int
    modified: int = field(default=0, compare=False)  # two runs make the same file at different times

    @property
    def stamp(self) -> Stamp:
        """What a listing has to say of it."""
        return Stamp(self.size, self.modified)


EMPTY = MergedFile(0, hashlib.sha256().hexdigest(), 0)


@dataclass(frozen=True)
class Delays:
    """How late labels are, in seconds: from their own event's time where both sides have one, else from folder to folder."""

    state: Quantiles = field(default_factory=Quantiles.empty)
    from_times: int = 0
    from_hours: int = 0

    def __add__(self, other: Self) -> Delays:
        return Delays(self.state + other.state, self.from_times + other.from_times, self.from_hours + other.from_hours)

    def document(self) -> dict[str, Any]:
        """As the reports have it; no quantiles without labels."""
        count = self.state.n
        quantiles = {name: self.state.quantile(rank) if count else None for name, rank in _QUANTILES.items()}
        return {"seconds": quantiles, "from_event_times": self.from_times, "from_folders": self.from_hours}


@dataclass(frozen=True)
class HourReport:
    """One hour of captures of an endpoint's variant.

    `lines` = matched + unmatched + duplicated + without_id + the bad ones. `labels_used` counts labels by their own hour;
    `labels_passed_over` are lines of ground truth that a later one of the same key has replaced.
    """

    partition: str
    wait: int
    captures: Inputs
    labels: Inputs
    lines: int = 0
    matched: int = 0
    unmatched: int = 0
    duplicated: int = 0
    without_id: int = 0
    bad: Mapping[str, int] = field(default_factory=dict)
    outside: int = 0
    labels_used: Mapping[str, int] = field(default_factory=dict)
    labels_passed_over: int = 0
    delays: Delays = field(default_factory=Delays)
    files: Mapping[str, MergedFile] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """The captures that could have a label: each counted once."""
        return self.matched + self.unmatched + self.without_id

    @property
    def coverage(self) -> float | None:
        """The share of the requests that have a label; None without requests."""
        return self.matched / self.requests if self.requests else None

    @property
    def bad_lines(self) -> int:
        """How many lines of captures could not be used."""
        return sum(self.bad.values())

    def counts(self) -> dict[str, Any]:
        """What became of the hour's lines, as both reports have it."""
        return {
            "lines": self.lines,
            "captures": self.requests,
            "matched": self.matched,
            "unmatched_captures": self.unmatched,
            "captures_without_id": self.without_id,
            "duplicated_captures": self.duplicated,
            "bad_lines": dict(sorted(self.bad.items())),
            "captures_of_other_hours": self.outside,
            "label_coverage": self.coverage,
            "labels_used": sum(self.labels_used.values()),
            "duplicated_labels": self.labels_passed_over,
            "delay": self.delays.document(),
        }

    def says_what(self, other: Self) -> bool:
        """Whether another report says the same, of whichever files."""
        return replace(self, captures=other.captures, labels=other.labels) == other

    def to_bytes(self) -> bytes:
        """The hour's own report: the same for the same files, but for the times at which the merged ones were put there."""
        document = {
            "version": VERSION,
            "source": source_of(self.partition),
            "hour": hour_of(self.partition),
            "label_wait_hours": self.wait,
            "inputs": {"captures": vars(self.captures), "labels": vars(self.labels)},
            **self.counts(),
            "labels_used_by_hour": dict(sorted(self.labels_used.items())),
            "delay_state": base64.b64encode(self.delays.state.to_bytes()).decode(),
            "files": {name: vars(file) for name, file in sorted(self.files.items())},
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_bytes(cls, partition: str, data: bytes) -> Self | None:
        """The report that `to_bytes` wrote; None for one that is damaged or of another version: its hour is made again."""
        try:
            found = orjson.loads(data)
            if found["version"] != VERSION:
                return None
            delay = found["delay"]
            return cls(
                partition,
                found["label_wait_hours"],
                Inputs(**found["inputs"]["captures"]),
                Inputs(**found["inputs"]["labels"]),
                found["lines"],
                found["matched"],
                found["unmatched_captures"],
                found["duplicated_captures"],
                found["captures_without_id"],
                found["bad_lines"],
                found["captures_of_other_hours"],
                found["labels_used_by_hour"],
                found["duplicated_labels"],
                Delays(Quantiles.from_bytes(base64.b64decode(found["delay_state"])), delay["from_event_times"], delay["from_folders"]),
                {name: MergedFile(**file) for name, file in found["files"].items()},
            )
        except (ValueError, KeyError, TypeError, InputError):
            return None


def summed_delays(reports: Iterable[HourReport]) -> Delays:
    """The delays of several hours together."""
    return reduce(add, (report.delays for report in reports), Delays())


def is_current(report: HourReport | None, wait: int, captures: Inputs, labels: Inputs, there: Mapping[str, Stamp]) -> bool:
    """Whether an hour was made from just these files, and all that was made is there, by name, size and time of change."""
    if report is None or (report.wait, report.captures, report.labels) != (wait, captures, labels):
        return False
    merged = {name: stamp for name, stamp in there.items() if name.startswith("part-")}
    return merged == {name: file.stamp for name, file in report.files.items()}


def known_files(report: HourReport | None, there: Mapping[str, Stamp]) -> dict[str, MergedFile]:
    """The files that are there as the report has them."""
    return {name: file for name, file in report.files.items() if there.get(name) == file.stamp} if report else {}


def report_path(output: str, partition: str) -> str:
    """Where an hour's report lies."""
    return storage.join(output, partition, HOUR_REPORT)
