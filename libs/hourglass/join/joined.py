"""What the workers of a join say, put together."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from hourglass.capture.window import hour_of, lag_facts
from hourglass.join.hour_report import EMPTY, Delays, MergedFile
from hourglass.join.plan import JoinPlan, hour_spelled
from hourglass.scan import raise_fault
from hourglass.states import Quantiles


@dataclass
class Joined:
    """What the workers found, by partition of captures and by hour of labels, and the plan that they worked by."""

    plan: JoinPlan | None = None
    intake: dict[str, Counter[str]] = field(default_factory=dict)
    bad: dict[str, Counter[str]] = field(default_factory=dict)
    label_lines: Counter[str] = field(default_factory=Counter)
    label_bad: dict[str, Counter[str]] = field(default_factory=dict)
    bad_lines: list[dict[str, Any]] = field(default_factory=list)
    became: dict[str, Counter[str]] = field(default_factory=dict)  # unmatched, duplicated, passed_over: of captures
    pairs: dict[str, Counter[str]] = field(default_factory=dict)
    label_became: dict[str, Counter[str]] = field(default_factory=dict)  # used, superseded, left: of labels
    files: dict[str, dict[str, tuple[MergedFile, str | None]]] = field(default_factory=dict)  # with the token if it is staged
    delays: dict[str, list[Delays]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The same in numbers, as far as whoever watches the run asks; `lag_s` is how long the newest hour of captures is over."""
        bad = sum((*self.bad.values(), *self.label_bad.values()), Counter[str]())
        return {
            "hours_read": len(self.intake),
            "lines": sum(counts["lines"] for counts in self.intake.values()),
            "label_lines": sum(self.label_lines.values()),
            "bad_lines": sum(bad.values()),
            "bad_lines_by_reason": {reason: count for reason, count in sorted(bad.items()) if count},
            **lag_facts(self.intake),
        }

    def take(self, note: dict[str, Any]) -> None:
        """Takes in what one worker says."""
        if "fault" in note:
            raise_fault(orjson.dumps(note["fault"]))
        elif "captures" in note:
            counts = self.intake.setdefault(note["captures"], Counter())
            counts.update({name: note[name] for name in ("lines", "outside", "without_id")})
            self.bad.setdefault(note["captures"], Counter()).update(note["bad"])
            self.bad_lines += note["bad_lines"]
        elif "labels" in note:
            hour = hour_of(note["labels"])
            self.label_lines[hour] += note["lines"]
            self.label_bad.setdefault(hour, Counter()).update(note["bad"])
            self.bad_lines += note["bad_lines"]
        elif "matched" in note and "part" not in note:
            self._take_matched(note["matched"])
        else:
            self._take_part(note)

    def merged_files(self) -> dict[str, dict[str, MergedFile]]:
        """What the files of each hour are to be: one for each part, without a record where nothing matched.

        To a reader that keeps what it has read, an hour without files is one whose files have expired; an empty one says
        that there is nothing, also where labels were taken back.
        """
        found: dict[str, dict[str, MergedFile]] = {}
        for part in self.plan.parts if self.plan else ():
            file, _ = self.files.get(part.partition, {}).get(part.name, (EMPTY, None))
            found.setdefault(part.partition, {})[part.name] = file
        return found

    def _take_matched(self, found: dict[str, Any]) -> None:
        for name in ("unmatched", "duplicated", "passed_over"):
            for partition, count in found[name].items():
                self.became.setdefault(partition, Counter())[name] += count
        for partition, hour, count in found["pairs"]:
            self.pairs.setdefault(partition, Counter())[hour_spelled(hour)] += count
        for name in ("used", "superseded", "left"):
            for hour, count in found[name]:
                self.label_became.setdefault(hour_spelled(hour), Counter())[name] += count

    def _take_part(self, note: dict[str, Any]) -> None:
        assert self.plan is not None  # noqa: S101 a part is one of a plan
        part = self.plan.parts[note["part"]]
        file = MergedFile(note["size"], note["sha256"], note["matched"])
        self.files.setdefault(part.partition, {})[part.name] = file, note["staged"]
        state = Quantiles.from_bytes(base64.b64decode(note["delays"]))
        self.delays.setdefault(part.partition, []).append(Delays(state, note["timed"], note["matched"] - note["timed"]))
