"""What a registered function's docstring says, in parts: the one text that reports, help and tables quote."""

from __future__ import annotations

import inspect


def definition(function: object) -> str:
    """The first line of a docstring: the definition in one sentence."""
    return (inspect.getdoc(function) or "").partition("\n")[0]


def details(function: object) -> str:
    """The docstring after its first line, up to the doctest: formula, what null and no rows do."""
    body = (inspect.getdoc(function) or "").partition("\n")[2].partition(">>>")[0]
    return " ".join(body.split())
