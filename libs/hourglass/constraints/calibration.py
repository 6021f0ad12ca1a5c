"""What the past says of chance: how much more windows differ than independent rows would, by column and small test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hourglass.comparisons import aligned, distribution_of
from hourglass.comparisons.calibrated import small_tests_of
from hourglass.constraints.baseline import Baseline, FeatureConstraint
from hourglass.constraints.check import columns_to_check
from hourglass.constraints.learn import beside_the_others
from hourglass.constraints.reference_window import Dispersions
from hourglass.dataset import Dataset
from hourglass.errors import InputError
from hourglass.references import Reference
from hourglass.small_tests import STATES, Dispersion, learnt
from hourglass.states import ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined

VERSION = 1
ALL = "all"  # windows beside all others; those of the same hour go by the reference's own name
KINDS = (ALL, "hour-of-day", "hour-of-week")


@dataclass(frozen=True)
class Learnt:
    """Dispersions by feature and small test, from how many windows they were learnt, and what these were."""

    windows: int
    source: str
    dispersions: Dispersions = field(default_factory=dict)

    def __str__(self) -> str:
        """What they were learnt from, and how many these are; "" where nothing was.

        >>> str(Learnt(48, "stored hours 2026/11/20/00 to 2026/11/21/23"))
        'stored hours 2026/11/20/00 to 2026/11/21/23 (48)'
        """
        return f"{self.source} ({self.windows})" if self.windows else ""


@dataclass(frozen=True)
class Calibration:
    """`calibration.json`: what was learnt of windows beside all others, and beside those of the same hour of day or of week."""

    learnt: Mapping[str, Learnt] = field(default_factory=dict)

    def of(self, reference: Reference) -> Learnt:
        """What is known for windows that are held against a reference; of those beside all others where there is nothing of its own."""
        return self.learnt.get(reference.kind) or self.learnt.get(ALL) or Learnt(0, "")

    def document(self) -> dict[str, Any]:
        """The document of `calibration.json`; what is as independent rows would have it is left out."""
        return {
            "version": VERSION,
            "learnt": {
                beside: {"windows": found.windows, "source": found.source, "features": _features(found.dispersions)}
                for beside, found in self.learnt.items()
            },
        }


def _features(dispersions: Dispersions) -> dict[str, Any]:
    return {
        name: {
            test: {"dispersion": round(found.factor, 4), "freedom": None if math.isinf(found.freedom) else round(found.freedom, 2)}
            for test, found in tests.items()
            if found.factor > 1
        }
        for name, tests in dispersions.items()
    }


def parse_calibration(document: Mapping[str, Any], path: str) -> Calibration:
    """The calibration of a document; InputError where it is none."""
    hint = "hourglass calibrate writes it"
    version, windows = document.get("version"), document.get("learnt")
    if version is True or version != VERSION:
        raise InputError(path, found=f"version {version!r}", expected=f"a calibration of version {VERSION}", hint=hint)
    if not isinstance(windows, Mapping) or (unknown := windows.keys() - KINDS):
        found = f"learnt from {min(unknown)!r}" if isinstance(windows, Mapping) else "no object 'learnt'"
        raise InputError(path, found=found, expected=f"what was learnt from {', '.join(KINDS)}", hint=hint)
    try:
        return Calibration({beside: _learnt(found) for beside, found in windows.items()})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise InputError(path, found="another shape", expected="features, their tests, dispersions of 1 or more", hint=hint) from fault


def _learnt(document: Mapping[str, Any]) -> Learnt:
    found = {name: {test: _dispersion(one) for test, one in tests.items()} for name, tests in document["features"].items()}
    return Learnt(int(document["windows"]), str(document["source"]), found)


def _dispersion(document: Mapping[str, Any]) -> Dispersion:
    factor, freedom = float(document["dispersion"]), document["freedom"]
    found = Dispersion(factor, math.inf if freedom is None else float(freedom))
    if not (1 <= found.factor < math.inf and found.freedom > 0):
        raise ValueError
    return found


def learn_dispersions(windows: Sequence[Sequence[Dataset]], baseline: Baseline) -> Dispersions:
    """From groups of windows in which nothing changed, each window beside the sum of its group's others.

    Only features that share the budget are looked at. Windows in which a column has no values are left out.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for group in windows:
        found = [{feature.name: column for feature, column in columns_to_check(dataset, baseline)} for dataset in group]
        for name, feature in baseline.features.items():
            if feature.shares_budget:
                tests = scores.setdefault(name, {})
                for test, z in _scores(feature, [columns[name] for columns in found if name in columns]):
                    tests.setdefault(test, []).append(z)
    return learnt(scores)


def _scores(feature: FeatureConstraint, columns: Sequence[ColumnProfile]) -> list[tuple[str, float]]:
    kind = feature.inferred_type
    if kind is ColumnType.UNKNOWN:
        return []
    parts = [ColumnProfile({state: column.states[state] for state in STATES if state in column.states}) for column in columns]
    scores = []
    for part, others in beside_the_others(parts):
        judged = small_tests_of(*aligned(distribution_of(part, kind), distribution_of(others, kind)))
        if not isinstance(judged, Undefined):
            scores += [(test, found.z) for test, found in judged.found.items()]
    return scores
