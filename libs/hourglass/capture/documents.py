"""JSON documents into flat rows: objects to dotted names, arrays to indexed names."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import orjson

Row = dict[str, Any]

_SPACE = re.compile(r"[ \t\r\n]*")


def load(text: str | bytes) -> Any:
    """A JSON document; NaN and Infinity, which Python's own writer makes, are taken too. ValueError when it is none.

    >>> load('{"a": NaN}')
    {'a': nan}
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        if str(fault).startswith("depth limit"):  # how deep Python's own reader goes is whatever some package has set
            raise
        try:
            document = json.loads(text)
            json.dumps(document, ensure_ascii=False).encode()  # refuses lone surrogates, which no text column can hold
        except (ValueError, TypeError, RecursionError):
            raise fault from None
        return document


def load_all(text: str | bytes) -> list[Any]:
    r"""The documents of a text: one, one a line, or one after the other over several lines. ValueError when it holds anything else.

    >>> load_all('{"a": 1}\n{"a": 2}'), load_all('{"a":\n1} [2]')
    ([{'a': 1}, {'a': 2}], [{'a': 1}, [2]])
    """
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise ValueError("no document")
    try:
        return [load(line) for line in lines]
    except ValueError:
        if len(lines) == 1:
            raise
    documents = []
    decoder = json.JSONDecoder()
    at = _SPACE.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        try:
            document, end = decoder.raw_decode(text, at)
        except RecursionError as fault:
            raise ValueError("nested too deeply") from fault
        documents.append(document)
        at = _SPACE.match(text, end).end()  # type: ignore[union-attr]
    return documents


# The containers of several records in one document: TensorFlow Serving's and SageMaker's own protocol.
CONTAINERS = ("instances", "predictions")


def flatten(document: object, name: str = "", *, empty_lists: bool = False) -> Row:
    """One flat row. The names are valid JSONPath and JMESPath.

    Null is a missing value. An empty object or array has no columns; with `empty_lists` an array without items is a value,
    where a list is what a row is about. A bare value is called by `name`, or "value".

    >>> flatten({"a": 1, "b": {"c": [2, {"d": 3}]}, "e": []})
    {'a': 1, 'b.c[0]': 2, 'b.c[1].d': 3}
    >>> flatten({"e": []}, empty_lists=True)
    {'e': []}
    """
    if isinstance(document, dict) and not any(isinstance(value, dict | list) for value in document.values()):
        return document if not name else {f"{name}.{key}": value for key, value in document.items()}
    row: Row = {}
    try:
        _flatten_into(row, document, name, empty_lists=empty_lists)
    except RecursionError as fault:
        raise ValueError("nested too deeply") from fault
    return row


def _flatten_into(row: Row, value: object, name: str, *, empty_lists: bool) -> None:
    if isinstance(value, dict):
        prefix = f"{name}." if name else ""
        for key, inner in value.items():
            _flatten_into(row, inner, f"{prefix}{key}", empty_lists=empty_lists)
    elif isinstance(value, list) and (value or not empty_lists):
        for index, inner in enumerate(value):
            _flatten_into(row, inner, f"{name}[{index}]", empty_lists=empty_lists)
    else:
        row[name or "value"] = value


def records(document: object) -> list[Row]:
    """The rows of a document that may hold several records: a list of them, or one under a known container.

    >>> records({"instances": [{"x": 1}, {"x": 2}]}), records({"predictions": [0.1, 0.9]})
    ([{'x': 1}, {'x': 2}], [{'predictions': 0.1}, {'predictions': 0.9}])
    """
    name = ""
    items: object = document
    if isinstance(document, dict):
        for container in CONTAINERS:
            if isinstance(document.get(container), list) and len(document) == 1:
                name, items = container, document[container]
    if not isinstance(items, list) or (not name and not all(isinstance(item, dict | list) for item in items)):
        return [flatten(document)]
    return [flatten(item, "" if isinstance(item, dict) else name) for item in items]


def labels(document: object) -> list[Row]:
    """The ground truth of a document: of a list, or of an object whose only value is one, a row for each item.

    >>> labels([1, 0]), labels({"label": ["a", "b"]}), labels({"label": 1, "weight": 2})
    ([{'value': 1}, {'value': 0}], [{'label': 'a'}, {'label': 'b'}], [{'label': 1, 'weight': 2}])
    """
    name, items = "", document
    if isinstance(document, dict) and len(document) == 1:
        ((name, items),) = document.items()
    if not isinstance(items, list) or not items:
        return [whole(document)]
    return [flatten(item, "" if isinstance(item, dict) else name or "value") for item in items]


def whole(document: object, *, empty_lists: bool = False) -> Row:
    """A document as one row; the items of a bare list are called value[0], value[1], ….

    >>> whole([1, 0]), whole({"label": [1]})
    ({'value[0]': 1, 'value[1]': 0}, {'label[0]': 1})
    """
    return flatten(document, "value" if isinstance(document, list) else "", empty_lists=empty_lists)


def columns_of(rows: Sequence[Row]) -> dict[str, Sequence[object]]:
    """Rows as columns, in the order in which names are first met; a name that a row lacks is missing there.

    >>> columns_of([{"a": 1}, {"a": 2, "b": 3}])
    {'a': [1, 2], 'b': [None, 3]}
    """
    names = dict.fromkeys(name for row in rows for name in row) if _differ(rows) else dict.fromkeys(rows[0] if rows else ())
    if not names:
        return {}
    if not _differ(rows):
        picked = map(itemgetter(*names), rows)
        return (
            dict(zip(names, map(list, zip(*picked, strict=True)), strict=True))
            if len(names) > 1
            else {name: [row[name] for row in rows] for name in names}
        )
    return {name: [row.get(name) for row in rows] for name in names}


def _differ(rows: Sequence[Row]) -> bool:
    first = rows[0].keys() if rows else ()
    return any(row.keys() != first for row in rows)
