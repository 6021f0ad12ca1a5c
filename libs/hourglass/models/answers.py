"""Scores out of an endpoint's answer: columns of CSV, or paths in JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import orjson

from hourglass.errors import InputError, ModelError, shorten
from hourglass.models.bodies import CSV, JSON, media_type
from hourglass.models.model import Predictor

Decode = Callable[[bytes, int], list[Any]]


def decoder(predictor: Predictor) -> Decode:
    r"""How a body becomes a number, or a list of numbers, for each row that was asked about.

    The score is at `probability`, else at `label`, else it is all there is. InputError for a path that is none.

    >>> decoder(Predictor("http://host", probability="1"))(b"yes,0.9\nno,0.2\n", 2)
    ['0.9', '0.2']
    >>> decoder(Predictor("http://host", accept_type="application/json", label="predictions[*].score"))(
    ...     b'{"predictions":[{"score":0.5}]}', 1
    ... )
    [0.5]
    """
    kind = media_type(predictor.accept_type or predictor.content_type, "accept_type")
    place = predictor.probability if predictor.probability is not None else predictor.label
    subject = f"answer of {predictor.name}"
    if kind == CSV:
        return lambda body, _: _of_csv(body, place, subject)
    find = _finder(place, "probability" if predictor.probability is not None else "label", subject)
    if kind == JSON:
        return lambda body, rows: _of_json(find(_parsed(body, subject)), rows)
    return lambda body, _: [find(_parsed(line, subject)) for line in body.splitlines() if line.strip()]


def _of_csv(body: bytes, place: str | None, subject: str) -> list[Any]:
    lines = [line for line in csv.reader(io.StringIO(_text(body, subject))) if line]
    if place is None:
        return [[_cell(cell) for cell in line] if len(line) > 1 else _cell(line[0]) for line in lines]
    if place.isdecimal():
        column = int(place)
    else:
        header = lines[0] if lines else []
        if place not in header:
            raise ModelError(subject, found=f"the header {shorten(','.join(header))!r}", expected=f"a column {place}")
        column, lines = header.index(place), lines[1:]
    short = next((line for line in lines if len(line) <= column), None)
    if short is not None:
        raise ModelError(subject, found=f"the line {shorten(','.join(short))!r}", expected=f"a column {place}, counted from 0")
    return [_cell(line[column]) for line in lines]


def _cell(text: str) -> Any:
    """A cell, which may hold a list of scores in JSON."""
    if not text.startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # no number either, which the check of the answer tells


def _finder(path: str | None, key: str, subject: str) -> Callable[[Any], Any]:
    if path is None:
        return lambda document: document
    import jmespath

    try:
        compiled = jmespath.compile(path)
    except jmespath.exceptions.JMESPathError as fault:
        raise InputError(key, found=repr(path), expected="a JMESPath", hint=shorten(str(fault).splitlines()[0])) from fault

    def find(document: Any) -> Any:
        found = compiled.search(document)
        if found is None:
            told = orjson.dumps(document).decode()
            raise ModelError(subject, found=shorten(told), expected=f"a score at the JMESPath {path}")
        return found

    return find


def _of_json(found: Any, rows: int) -> list[Any]:
    """A document's scores; those of one row may stand there alone."""
    if not isinstance(found, list):
        return [found]
    alone = rows == 1 and len(found) != 1 and not any(isinstance(value, list) for value in found)
    return [found] if alone else found


def _parsed(body: bytes, subject: str) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise ModelError(subject, found=repr(shorten(body.decode(errors="replace"))), expected="JSON", hint=str(fault)) from fault


def _text(body: bytes, subject: str) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise ModelError(subject, found=str(fault), expected="text in UTF-8") from fault
