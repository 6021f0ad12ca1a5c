"""Calls of an endpoint: in batches that it takes, again when a failure may pass, and never without end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from hourglass.errors import ModelError, ModelUnreachable
from hourglass.models.answers import decoder
from hourglass.models.bodies import encoder
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor
from hourglass.models.rows import Rows

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 30.0
MAY_PASS = frozenset({429, 500, 502, 503, 504})  # answers that another call may not get
TOO_LARGE = 413


class Busy(Exception):
    """A failure that may pass; `wait_s` is what the endpoint asked for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class TooLarge(Exception):
    """More bytes than the endpoint takes."""


def endpoint_model(kind: str, predictor: Predictor, call: Callable[[bytes], bytes]) -> Loaded:
    """A model behind a call of bytes for bytes, which raises Busy, TooLarge or what is final."""
    return Loaded(kind, lambda rows: rows, _Endpoint(predictor, call).ask)


class _Endpoint:
    def __init__(self, predictor: Predictor, call: Callable[[bytes], bytes]) -> None:
        self._encode, self._batch = encoder(predictor)
        self._decode = decoder(predictor)
        self._call = call
        self._predictor = predictor

    def ask(self, rows: Rows) -> list[Any]:
        """A score, or a list of scores, for each row."""
        scores: list[Any] = []
        while len(scores) < len(rows):
            part = rows[len(scores) : len(scores) + self._batch]
            try:
                scores += self._scores(part)
            except TooLarge as fault:
                if len(part) == 1:
                    raise ModelError(self._subject, found=f"{fault} for one row", expected="an endpoint that takes a row") from fault
                self._batch = len(part) // 2  # kept, so that not every batch is sent in vain first
        return scores

    def _scores(self, part: Rows) -> list[Any]:
        found = self._decode(self._with_patience(self._encode(part)), len(part))
        if len(found) != len(part):
            raise ModelError(
                self._subject,
                found=f"{len(found)} prediction{'s' if len(found) != 1 else ''}",
                expected=f"{len(part)}, one for each row of the call",
            )
        return found

    def _with_patience(self, body: bytes) -> bytes:
        attempt = 1
        while True:
            try:
                return self._call(body)
            except Busy as fault:
                if attempt >= self._predictor.attempts:
                    raise self._given_up(fault) from fault
                asked = _FIRST_WAIT_S * 2 ** (attempt - 1) if fault.wait_s is None else fault.wait_s
                # not all workers at the same time again
                time.sleep(min(asked, _LONGEST_WAIT_S) * random.uniform(1.0, 1.5))  # noqa: S311 no secret
                attempt += 1

    def _given_up(self, fault: Busy) -> ModelUnreachable:
        attempts = self._predictor.attempts
        return ModelUnreachable(
            self._subject,
            found=f"{fault}, the last of {attempts} calls",
            expected=f"an answer within {self._predictor.timeout_s:g} s",
            hint=f"is it up, and are {self._batch} rows a call not too many?",
        )

    @property
    def _subject(self) -> str:
        return f"model {self._predictor.name}"
