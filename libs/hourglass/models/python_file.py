"""A Python file of the user's with a function `predict`."""

from __future__ import annotations

from typing import Any

from hourglass.capture.hooks import FAILURES, Script, own_traceback
from hourglass.errors import InputError, ModelError
from hourglass.models.loaded import Loaded
from hourglass.models.model import Predictor, opens
from hourglass.models.rows import Rows


@opens("Python with predict(rows)", suffixes=(".py",))
def open_python(predictor: Predictor) -> Loaded:
    """`predict` gets a pandas table and gives a number, or a list of as many numbers, for each row.

    `FEATURES`, the columns that it wants, and `LABELS`, the names of its outputs, may stand beside it.
    """
    script = Script.read(predictor.source, role="model")
    module = script.load()
    predict = script.function(module, "predict")

    def ask(table: Any) -> Any:
        try:
            return predict(table)
        except FAILURES as fault:
            raise ModelError(
                f"predict of {script.path}", found=own_traceback(fault, script.path), expected=f"a prediction for each of {len(table)} rows"
            ) from fault

    return Loaded("python", Rows.frame, ask, names=_words(script, module, "FEATURES"), labels=_words(script, module, "LABELS"))


def _words(script: Script, module: Any, name: str) -> tuple[str, ...] | None:
    words = getattr(module, name, None)
    if words is None:
        return None
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise InputError(f"{name} of {script.path}", found=repr(words), expected="a list of names")
    return tuple(words)
