"""The contract's `dataset_format`: what the files hold and which columns come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from hourglass.errors import InputError, did_you_mean

INPUT, OUTPUT, BATCH_OUTPUT = "endpointInput", "endpointOutput", "batchTransformOutput"
SIDES = (INPUT, OUTPUT, BATCH_OUTPUT)
_OPTIONS = {"captureindexnames", "captureindexname", "header", "outputcolumnsposition", "line", "lines"}
_NAMES = {"sagemakercapturejson": "capture", "sagemakermergejson": "merge", "csv": "csv", "json": "json", "parquet": "parquet"}


@dataclass(frozen=True)
class DatasetFormat:
    """What to read from the files.

    `kind` is capture, merge, csv, json or parquet. `sides` are the parts of a captured record that become columns,
    in the order in which their columns stand. `header` says whether a CSV file begins with names.
    """

    kind: str
    sides: tuple[str, ...] = (OUTPUT, INPUT)
    header: bool = False

    @property
    def captured(self) -> bool:
        """Whether the files hold captured records."""
        return self.kind in {"capture", "merge"}

    @property
    def encoding(self) -> str:
        """What the payloads of a batch transform are, as a captured record would say it."""
        return "CSV" if self.kind == "csv" else "JSON"


def parse_dataset_format(text: str) -> DatasetFormat:
    """Reads the contract's JSON; either case of letters, singular or plural, booleans or strings.

    >>> parse_dataset_format('{"Csv": {"Header": "true"}}')
    DatasetFormat(kind='csv', sides=('endpointOutput', 'endpointInput'), header=True)
    >>> parse_dataset_format('{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}').sides
    ('endpointInput',)
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise _unusable(text, hint=str(fault)) from fault
    if isinstance(document, str):
        document = {document: {}}
    if not isinstance(document, dict) or len(document) != 1:
        raise _unusable(text)
    (name, options), *_ = document.items()
    kind = _NAMES.get(name.lower())
    if kind is None:
        raise _unusable(text, hint=did_you_mean(name.lower(), _NAMES))
    if not isinstance(options or {}, dict):
        raise _unusable(text)
    options = {key.lower().replace("_", ""): value for key, value in (options or {}).items()}
    for key in options.keys() - _OPTIONS:
        expected = ", ".join(sorted(_OPTIONS))
        raise InputError(f"dataset_format.{name}", found=repr(key), expected=expected, hint=did_you_mean(key, _OPTIONS))
    return DatasetFormat(kind, _sides(options), _truth(options.get("header", False)))


def _sides(options: dict[str, Any]) -> tuple[str, ...]:
    named = options.get("captureindexnames", options.get("captureindexname", []))
    known = {side.lower(): side for side in SIDES}
    sides = []
    if not isinstance(named, str | list):
        raise InputError("captureIndexNames", found=repr(named), expected=f"a list of {', '.join(SIDES)}")
    for name in [named] if isinstance(named, str) else named:
        if str(name).lower() not in known:
            raise InputError("captureIndexNames", found=repr(name), expected=", ".join(SIDES), hint=did_you_mean(str(name), SIDES))
        sides.append(known[str(name).lower()])
    chosen = sides or [INPUT, OUTPUT]
    first = str(options.get("outputcolumnsposition", "START")).upper() != "END"
    return tuple(sorted(chosen, key=lambda side: (side == INPUT) if first else (side != INPUT)))


def _truth(value: object) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).strip().lower() not in known:
        raise InputError("dataset_format.header", found=repr(value), expected="true or false")
    return known[str(value).strip().lower()]


def _unusable(text: str, hint: str | None = None) -> InputError:
    return InputError(
        "dataset_format",
        found=text or "nothing",
        expected='a JSON object with one of sagemakerCaptureJson, sagemakerMergeJson, csv, json, parquet, such as {"csv":{"header":true}}',
        hint=hint,
    )
