"""Rows as an endpoint wants them: CSV, or JSON by the templates of SageMaker Clarify."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from hourglass.errors import InputError, did_you_mean
from hourglass.models.model import Predictor
from hourglass.models.rows import Rows

CSV, JSON_LINES, JSON = "text/csv", "application/jsonlines", "application/json"

Encode = Callable[[Rows], bytes]

_PLACEHOLDER = re.compile(r'"\$\{([^{}]*)\}"|\$\{([^{}]*)\}|\$(features_kvp|feature_names|features|records|record)\b')
_OF_A_RECORD = {"features", "features_kvp", "feature_names"}


def media_type(text: str, key: str) -> str:
    """The type without its parameters; InputError for one that is not spoken here.

    >>> media_type("text/csv; charset=utf-8", "content_type")
    'text/csv'
    """
    kind = text.partition(";")[0].strip().lower()
    if kind not in {CSV, JSON_LINES, JSON}:
        raise InputError(key, found=repr(text), expected=f"{CSV}, {JSON_LINES} or {JSON}", hint=did_you_mean(kind, [CSV, JSON_LINES, JSON]))
    return kind


def encoder(predictor: Predictor) -> tuple[Encode, int]:
    r"""How rows become a body, and how many rows a body may have; InputError when a template is missing or has wrong placeholders.

    >>> predictor = Predictor("http://host", content_type="application/jsonlines", content_template='{"x":$features}')
    >>> import numpy as np
    >>> encoder(predictor)[0](Rows(("a", "b"), np.array([[1.0, 0.5], [2.0, np.nan]]), {}))
    b'{"x":[1,0.5]}\n{"x":[2,null]}'
    """
    kind = media_type(predictor.content_type, "content_type")
    if kind == CSV:
        return _csv, predictor.batch_rows
    content = _Template(
        "content_template", predictor.content_template, '{"features":$features}' if kind == JSON_LINES else '{"instances":$records}'
    )
    if kind == JSON_LINES:
        content.need(_OF_A_RECORD)
        return lambda rows: b"\n".join(map(content.of_record, rows.records())), predictor.batch_rows
    content.need({"record", "records"})
    record = _Template("record_template", predictor.record_template, "$features")
    record.need(_OF_A_RECORD)
    single = "record" in content.placeholders
    return lambda rows: content.of_records([record.of_record(row) for row in rows.records()]), 1 if single else predictor.batch_rows


class _Template:
    """JSON with placeholders, which are found once: a value that looks like one stays as it is."""

    def __init__(self, key: str, text: str | None, example: str) -> None:
        if not text:
            raise InputError(key, found="nothing", expected=f"JSON with placeholders, such as {example}")
        self._key, self._text, self._example = key, text, example
        self._pieces: list[tuple[bytes, str | None, str | None]] = []
        end = 0
        for match in _PLACEHOLDER.finditer(text):
            name = match[1] if match[1] is not None else match[2]
            self._pieces.append((text[end : match.start()].encode(), name, match[3]))
            end = match.end()
        self._rest = text[end:].encode()
        self.placeholders = {word for _, _, word in self._pieces if word}

    def need(self, known: set[str]) -> None:
        """InputError unless the template has a placeholder, and only those known or a feature's `${name}`, if that is known."""
        features = known & _OF_A_RECORD
        if not self._pieces or self.placeholders - known or (not features and any(name is not None for _, name, _ in self._pieces)):
            words = ", ".join(f"${word}" for word in sorted(known))
            raise InputError(
                self._key,
                found=repr(self._text),
                expected=f"{words}{' or a feature as ${name}' if features else ''}",
                hint=f"such as {self._example}",
            )

    def of_record(self, record: Mapping[str, Any]) -> bytes:
        """The template with a record's values; InputError for a name that is no feature."""
        return self._filled(lambda name, word: orjson.dumps(self._value(record, name, word)))

    def of_records(self, records: list[bytes]) -> bytes:
        """The template with records, or the one record, each already JSON."""
        return self._filled(lambda _, word: b"[" + b",".join(records) + b"]" if word == "records" else records[0])

    def _filled(self, value: Callable[[str | None, str | None], bytes]) -> bytes:
        return b"".join([*(part for before, name, word in self._pieces for part in (before, value(name, word))), self._rest])

    def _value(self, record: Mapping[str, Any], name: str | None, word: str | None) -> Any:
        if name is not None:
            if name not in record:
                raise InputError(
                    self._key, found=f"${{{name}}}", expected=f"a feature: {', '.join(record)}", hint=did_you_mean(name, record)
                )
            return record[name]
        return {"features": list(record.values()), "feature_names": list(record), "features_kvp": record}[word or ""]


def _csv(rows: Rows) -> bytes:
    """A line a row, without a header; a missing value is nothing between two commas."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row.values() for row in rows.records())
    return text.getvalue().removesuffix("\n").encode()
