"""What a registered function's docstring says: the one text that reports, help and tables quote."""

from __future__ import annotations

import inspect


def definition(function: object) -> str:
    """The first line of a docstring: the definition in one sentence."""
    return (inspect.getdoc(function) or "").partition("\n")[0]
